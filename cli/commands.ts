/** The commands and what each is for; a command's module is loaded when it is named, and not before. */
import type { Command } from 'commander';

interface CommandEntry {
  /** One line for `waybill --help`. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** In the order in which `waybill --help` shows them. */
export const COMMANDS = {
  dev: {
    summary: 'run everything on this machine: stores, gateway, worker, API, Temporal, Postgres',
    load: async () => (await import('./dev.ts')).buildDevCommand(),
  },
  demo: {
    summary: 'bring up a stack, move real objects twice, and show what it proves',
    load: async () => (await import('./demo.ts')).buildDemoCommand(),
  },
  run: {
    summary: 'start a run of a pipeline through the API',
    load: async () => (await import('./run.ts')).buildRunCommand(),
  },
  runs: {
    summary: 'list and show runs; pause, resume and cancel them',
    load: async () => (await import('./runs.ts')).buildRunsCommand(),
  },
  pipelines: {
    summary: 'list the pipelines that can be run',
    load: async () => (await import('./pipelines.ts')).buildPipelinesCommand(),
  },
  manifest: {
    summary: 'print the canonical manifest of descriptors, or its hash',
    load: async () => (await import('./manifest.ts')).buildManifestCommand(),
  },
  store: {
    summary: 'serve a directory as an S3 store',
    load: async () => (await import('./store.ts')).buildStoreCommand(),
  },
  gateway: {
    summary: 'serve the signing gateway',
    load: async () => (await import('./gateway.ts')).buildGatewayCommand(),
  },
  worker: {
    summary: 'carry out runs',
    load: async () => (await import('./worker.ts')).buildWorkerCommand(),
  },
  api: {
    summary: 'serve the REST API',
    load: async () => (await import('./api.ts')).buildApiCommand(),
  },
  migrate: {
    summary: 'bring the schema of the ledger up to date',
    load: async () => (await import('./migrate.ts')).buildMigrateCommand(),
  },
  explain: {
    summary: 'find out why the signature of a request fails',
    load: async () => (await import('./explain.ts')).buildExplainCommand(),
  },
  sign: {
    summary: 'print a request signed, as headers, URL, curl command or script',
    load: async () => (await import('./sign.ts')).buildSignCommand(),
  },
  doctor: {
    summary: 'find out why requests to a store fail',
    load: async () => (await import('./doctor.ts')).buildDoctorCommand(),
  },
  token: {
    summary: 'make a token for the API',
    load: async () => (await import('./token.ts')).buildTokenCommand(),
  },
  config: {
    summary: 'check a configuration file, or print its JSON Schema',
    load: async () => (await import('./config.ts')).buildConfigCommand(),
  },
} as const satisfies Record<string, CommandEntry>;
