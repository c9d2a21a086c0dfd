/** docker-compose.yml as Docker Compose reads it: anchors merged, one type for each spelling of a field, variables still to be filled in. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const PROJECT = path.join(import.meta.dirname, '../..');

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

export const COMPOSE_TEXT = readFileSync(path.join(PROJECT, 'docker-compose.yml'), 'utf8');
export const COMPOSE_CONFIG = path.join(PROJECT, 'examples/compose.waybill.yaml');

export const loadComposeFile = (): ComposeFile => parse(COMPOSE_TEXT, { merge: true }) as ComposeFile;

/** `${NAME}`, `${NAME:-default}` or `${NAME:?message}`. @throws an Error for a required one that is not given */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, operator?: string, rest?: string) => {
    const value = values[name] ?? '';
    if (value !== '') return value;
    if (operator === '-') return rest ?? '';
    throw new Error(`${name} is not set: ${rest ?? ''}`);
  });
}

/** The names of all variables in a text, with their operators. */
export function findVariables(text: string): { name: string; operator: string }[] {
  return [...text.matchAll(/\$\{(\w+)(?::([-?]))?/g)].map((match) => ({
    name: match[1] ?? '',
    operator: match[2] ?? '',
  }));
}
