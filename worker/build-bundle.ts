/** The build step that makes the workflows' bundle. */
import { writeWorkflowBundle } from './workflow-bundle.ts';

process.stdout.write(`${await writeWorkflowBundle()}\n`);
