/**
 * The directions that dependencies may take; ARCHITECTURE.md tells why. test/checks/layers.test.ts runs them over the sources, fails when
 * it looked at too little, and shows for each rule that it bites.
 *
 *   core <- manifest, sigv4, http1 <- stores, ledger <- activities <- worker; workflows see core and types; gateway knows neither ledger nor Temporal
 */
const TOP =
  'activities|api|bench|cli|config|console|control|core|dev|doctor|gateway|http1|ledger|manifest|sigv4|stores|test|worker|workflows';
/** Files of the project: built-in modules have slashes too (fs/promises), and packages stand in node_modules. */
const OURS = `^(${TOP})/`;

/** `from` may import these files of ours, itself included, and no others; types of `types` besides. */
const only = (name, from, values, types = []) => [
  {
    name,
    severity: 'error',
    from: { path: from },
    to: { path: OURS, pathNot: [from, ...values, ...types] },
  },
  ...(types.length === 0
    ? []
    : [
        {
          name: `${name}-types`,
          severity: 'error',
          from: { path: from },
          to: { path: types, pathNot: [from, ...values], dependencyTypesNot: ['type-only'] },
        },
      ]),
];
const never = (name, from, to) => ({ name, severity: 'error', from, to });
const PACKAGES = ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

module.exports = {
  forbidden: [
    // A circle through a type is gone when it runs.
    never('no-cycles', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }),
    never('resolvable', {}, { couldNotResolve: true }),

    never('core-imports-nothing', { path: '^core/' }, { pathNot: '^core/' }),
    ...only('manifest', '^manifest/', ['^core/']),
    ...only('sigv4', '^sigv4/', ['^core/']),
    never('sigv4-has-no-packages', { path: '^sigv4/' }, { dependencyTypes: PACKAGES }),
    never(
      'sigv4-runs-in-a-browser',
      { path: '^sigv4/', pathNot: '^sigv4/node-crypto[.]ts$' },
      { dependencyTypes: ['core'] },
    ),
    ...only('config', '^config/', ['^core/']),

    ...only('http1', '^http1/', []),
    ...only('stores', '^stores/', ['^core/', '^http1/', '^manifest/', '^sigv4/']),
    never(
      'stores-one-service-each',
      { path: '^stores/(s3|filesystem|memory)/' },
      { path: '^stores/(s3|filesystem|memory)/', pathNot: '^stores/$1/' },
    ),
    never('faults-are-for-tests', { pathNot: '^(test|bench|stores/faulty)/' }, { path: '^stores/faulty/' }),
    ...only('ledger', '^ledger/', ['^core/', '^manifest/', '^sigv4/']),
    ...only(
      'activities',
      '^activities/',
      // Beside the ports, hashes: they know no store.
      [
        '^core/',
        '^manifest/',
        '^stores/store[.]ts$',
        '^stores/rules/(checksum-hash|combine-crc)[.]ts$',
        '^ledger/ledger[.]ts$',
      ],
      ['^workflows/types[.]ts$'],
    ),
    never(
      'activities-know-no-adapter',
      { path: '^activities/' },
      { path: 'node_modules/(@temporalio|@aws-sdk|pg|undici)/' },
    ),
    ...only('workflows', '^workflows/', ['^core/'], ['^activities/types[.]ts$', '^ledger/ledger[.]ts$']),
    never('workflows-are-deterministic', { path: '^workflows/' }, { dependencyTypes: ['core'] }),
    never(
      'workflows-have-one-package',
      { path: '^workflows/' },
      { dependencyTypes: PACKAGES, pathNot: 'node_modules/@temporalio/(workflow|common)/' },
    ),

    ...only('control', '^control/', ['^core/', '^config/'], ['^ledger/ledger[.]ts$', '^workflows/types[.]ts$']),
    ...only(
      'api',
      '^api/',
      ['^core/', '^config/', '^manifest/', '^control/', '^ledger/ledger[.]ts$'],
      ['^workflows/types[.]ts$'],
    ),
    never('api-knows-ports', { path: '^api/' }, { path: 'node_modules/(@temporalio|@aws-sdk|pg|undici)/' }),
    ...only('console', '^console/', ['^core/', '^sigv4/']),
    never('page-runs-in-a-browser', { path: '^console/explain/' }, { dependencyTypes: ['core', ...PACKAGES] }),
    ...only('gateway', '^gateway/', ['^core/', '^http1/', '^config/', '^sigv4/', '^stores/']),
    never(
      'gateway-knows-neither-ledger-nor-temporal',
      { path: '^gateway/' },
      { path: 'node_modules/(@temporalio|pg[^/]*)/' },
    ),
    ...only('doctor', '^doctor/', ['^core/', '^config/', '^sigv4/', '^stores/']),
    ...only(
      'worker',
      '^worker/',
      ['^core/', '^config/', '^manifest/', '^sigv4/', '^stores/', '^ledger/', '^activities/', '^control/'],
      ['^workflows/types[.]ts$'],
    ),
    never('worker-signs-as-a-workload', { path: '^worker/' }, { path: '^stores/filesystem/' }),

    never('postgres-in-one-place', { pathNot: '^(ledger/postgres|test|bench)/' }, { path: 'node_modules/pg[^/]*/' }),
    never('tests-are-not-shipped', { pathNot: '^(test|bench)/' }, { path: '^(test|bench)/' }),
    never(
      'tools-are-not-shipped',
      // The step of the build that makes the page, as tsc makes the rest.
      { pathNot: '^(test|bench)/|^console/build-page[.]ts$' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
    never('wiring-is-not-imported', { path: `^(${TOP})/`, pathNot: '^(cli|dev|test|bench)/' }, { path: '^(cli|dev)/' }),
  ],
  options: {
    // Type imports count: a port's user must not know an adapter's types either.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|[.]waybill)/|[.]config[.]js$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
