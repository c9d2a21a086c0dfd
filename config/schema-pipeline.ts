/** The shape of an entry of `pipelines:`. */
import Type from 'typebox';
import { RUN_CONCURRENCY_MAX } from '../core/limits.ts';
import { closed, duration, flag, oneOf, size, strings, text } from './schema-fields.ts';

const location = {
  store: text('the name of a store of this file'),
  bucket: text('a bucket name'),
  prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'a key prefix, "" for the whole bucket' })),
};

export const pipelineSchema = Type.Object(
  {
    source: Type.Object(location, { ...closed, description: 'where objects are read' }),
    target: Type.Object(
      {
        ...location,
        encryption: Type.Optional(
          Type.Object(
            {
              algorithm: oneOf(['aws:kms', 'AES256'], 'aws:kms or AES256'),
              kms_key_id: Type.Optional(text('the id, ARN or alias of a KMS key')),
            },
            { ...closed, description: 'the server-side encryption asked of the target' },
          ),
        ),
      },
      { ...closed, description: 'where objects are written' },
    ),
    include: Type.Optional(strings('globs over the key without the source prefix; none means everything')),
    exclude: Type.Optional(strings('globs over the key without the source prefix; they win over include')),
    min_size: Type.Optional(size('the smallest object that is copied')),
    max_size: Type.Optional(size('the largest object that is copied')),
    min_age: Type.Optional(duration('the youngest object that is copied, by the nominal time of the run')),
    max_age: Type.Optional(duration('the oldest object that is copied, by the nominal time of the run')),
    overwrite: Type.Optional(
      oneOf(['refuse', 'always'], "refuse or always: what is done about somebody else's object at the target (refuse)"),
    ),
    proof: Type.Optional(
      oneOf(
        ['md5', 'crc'],
        'md5 or crc: what proves the bytes; crc is the 32 or 64 bits of the CRC that the source tells, where it tells one (md5)',
      ),
    ),
    tags: Type.Optional(flag('true to carry object tags over (true)')),
    unsafe_skip_target_listing: Type.Optional(
      flag('true to plan without looking at the target; losses there go unseen (false)'),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: RUN_CONCURRENCY_MAX,
        description: `the batches in flight at once, 1 to ${RUN_CONCURRENCY_MAX} (4)`,
      }),
    ),
    retention: Type.Optional(
      duration(
        "how long manifests, steps and outcomes of the pipeline's ended attempts are kept, at least 3d (worker.retention)",
      ),
    ),
    schedule: Type.Optional(
      Type.Object(
        {
          cron: text('a cron expression of five fields; six add the year, seven the seconds in front as well'),
          timezone: Type.Optional(text('an IANA time zone such as Europe/Berlin (UTC)')),
          catchup_window: Type.Optional(duration('how late a missed time is still made up for (1d)')),
          jitter: Type.Optional(duration('the random delay that spreads starts (0)')),
          paused: Type.Optional(flag('true to create the schedule paused (false)')),
        },
        { ...closed, description: 'when the pipeline runs by itself' },
      ),
    ),
  },
  { ...closed, description: 'a pipeline' },
);
