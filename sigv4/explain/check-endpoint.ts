/**
 * A scope that no server at that host accepts, however well it is signed. Only AWS's own hosts say in their names which region and
 * service they are; others take what they are configured to.
 */
import type { Fault } from './read-claim.ts';
import type { SigningInputs } from './signing-inputs.ts';

const AWS_HOST = /^(?:.+\.)?([a-z0-9-]+)\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?(?::\d+)?$/;
const S3_NAMES: ReadonlySet<string> = new Set(['s3', 'dualstack', 's3-accesspoint', 's3-fips', 's3-website']);
/** Where the name in the host is not the name in the scope. */
const SIGNING_NAMES: Readonly<Record<string, string>> = { email: 'ses', 'kms-fips': 'kms', 'sts-fips': 'sts' };

export function checkEndpoint(host: string, scope: SigningInputs['scope']): readonly Fault[] {
  const faults: Fault[] = [];
  const lower = host.trim().toLowerCase();
  const match =
    AWS_HOST.exec(lower) ?? /^(?:.+\.)?(s3)-([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?::\d+)?$/.exec(lower);
  if (match !== null) {
    const [, name = '', region = ''] = match;
    const service = S3_NAMES.has(name) ? 's3' : (SIGNING_NAMES[name] ?? name);
    if (region !== scope.region)
      faults.push({
        id: 'region-of-endpoint',
        stage: 'scope',
        what: `it is signed for region ${JSON.stringify(scope.region)}, and the endpoint is of ${region}`,
        rule: 'the region of the scope is that of the endpoint',
        mend: `sign for ${region}, or use the endpoint of ${scope.region}: AWS_REGION, region_name, --region`,
      });
    if (!isSameService(service, scope.service))
      faults.push({
        id: 'service-of-endpoint',
        stage: 'scope',
        what: `it is signed for service ${JSON.stringify(scope.service)}, and the endpoint is of ${service}`,
        rule: 'the service of the scope is that of the endpoint',
        mend: `sign for ${service}`,
      });
  } else if (scope.service !== scope.service.toLowerCase()) {
    faults.push({
      id: 'service-of-endpoint',
      stage: 'scope',
      what: `it is signed for service ${JSON.stringify(scope.service)}, whose name is written in lower case`,
      rule: 'the service of the scope is its name in lower case',
      mend: `sign for ${scope.service.toLowerCase()}`,
    });
  }
  return faults;
}

const isSameService = (ofHost: string, ofScope: string): boolean =>
  ofHost === ofScope ||
  (ofHost === 's3' && /^s3[a-z-]*$/.test(ofScope)) ||
  !/^(?:s3|sts|kms|sqs|sns|iam|dynamodb|lambda|execute-api|es|ses)$/.test(ofHost);
