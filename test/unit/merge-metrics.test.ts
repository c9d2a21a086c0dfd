import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeMetrics } from '../../worker/merge-metrics.ts';

const ONE = `# HELP seconds How long
# TYPE seconds histogram
seconds_bucket{le="1",kind="a b"} 2
seconds_sum 3.5
seconds_count 2

# HELP limit A limit
# TYPE limit gauge
limit 16
`;
const TWO = `# HELP limit A limit
# TYPE limit gauge
limit 8
# HELP seconds How long
# TYPE seconds histogram
seconds_bucket{le="1"} 7
# TYPE only counter
only{} 1 1700000000000
`;

test('pages of several processes become one: a family stands together, and each sample says whose it is', () => {
  assert.equal(
    mergeMetrics([ONE, TWO]),
    `# HELP seconds How long
# TYPE seconds histogram
seconds_bucket{process="1",le="1",kind="a b"} 2
seconds_sum{process="1"} 3.5
seconds_count{process="1"} 2
seconds_bucket{process="2",le="1"} 7

# HELP limit A limit
# TYPE limit gauge
limit{process="1"} 16
limit{process="2"} 8

# TYPE only counter
only{process="2"} 1 1700000000000
`,
  );
});

test('a process that does not answer leaves the page of the others', () => {
  assert.equal(mergeMetrics(['', 'limit 8\n']), 'limit{process="2"} 8\n');
});
