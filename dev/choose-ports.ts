/** The stack's ports. They are kept with its state, so that a restart finds everything where it was. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { findFreePorts, isFree } from './free-port.ts';
import { PORT_NAMES, type StackPorts } from './stack-config.ts';

/** The ports that the file has, else the wanted ones where they are free. */
export async function choosePorts(file: string, wanted: Partial<StackPorts>): Promise<StackPorts> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as StackPorts;
  const free = await findFreePorts(PORT_NAMES.length);
  const chosen = await Promise.all(
    PORT_NAMES.map(async (name, index) => {
      const port = wanted[name];
      return [name, port !== undefined && (await isFree(port)) ? port : free[index]] as const;
    }),
  );
  const ports = Object.fromEntries(chosen) as unknown as StackPorts;
  await writeFile(file, JSON.stringify(ports, null, 2));
  return ports;
}
