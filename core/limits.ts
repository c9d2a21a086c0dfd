/** Every limit, with its unit and its reason. */
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

/** S3: a key is at most 1,024 bytes of UTF-8. */
export const KEY_BYTES_MAX = 1024;
/** S3: a single PUT is at most 5 GiB. */
export const SINGLE_PUT_BYTES_MAX = 5 * GiB;
/** S3: an object is at most 5 TiB. */
export const OBJECT_BYTES_MAX = 5 * TiB;
/** S3: parts are numbered 1 to 10,000, and all but the last have at least 5 MiB. */
export const PARTS_MAX = 10_000;
export const PART_BYTES_MIN = 5 * MiB;
/** S3: a listing page has at most 1,000 keys. */
export const LIST_PAGE_KEYS = 1000;
/** Listing requests of one listing in flight at once: at 100 ms each, 640,000 keys a second, more than a process reads. */
export const LIST_IN_FLIGHT_MAX = 64;
/** S3: user metadata is at most 2 KiB; what we carry over is refused above it rather than cut. */
export const USER_METADATA_BYTES_MAX = 2 * KiB;

/** The smallest part we send: below it, the requests cost more than the bytes. Objects up to this size are one signed PUT. */
export const PART_BYTES_DEFAULT = 8 * MiB;
/**
 * The largest manifest that is written by one PUT. The request limit is for the whole of a request, 30 s unless configured: this much
 * passes at 2.2 MB/s, and a manifest of hundreds of MB would never. Beyond it, parts of the default size.
 */
export const MARKER_PUT_BYTES_MAX = 64 * MiB;
/** Descriptors in a chunk: 10,000 make a row of about 300 KB compressed, and 100 rows a million objects. */
export const CHUNK_OBJECTS = 10_000;
/**
 * A batch is what one activity copies: big enough that Temporal's cost is noise, small enough that losing one is cheap. It costs Temporal
 * and Postgres some 45 ms of CPU: at 256 MiB a batch 2 GiB of objects of 1 MiB took a tenth to a fifth longer than at 512, and 10,000
 * objects of 1 KiB in batches of 1,000 a sixth longer than in batches of 2,500 (docs/performance.md).
 */
export const BATCH_OBJECTS_MAX = 2500;
/** What is left at the end of a plan is cut evenly, so that every worker has something to do, into batches of about this many or more. */
export const BATCH_OBJECTS_MIN = 1000;
export const BATCH_BYTES = 512 * MiB;
/** An object above this is a batch of its own: it may take several activities, so that losing one is cheap there too. */
export const LARGE_OBJECT_BYTES = 256 * MiB;
/** Parts of one large object that one activity copies. */
export const BATCH_PARTS = 64;
/** Object bytes in memory at once in one worker process: eight parts of the default size. */
export const COPY_MEMORY_BYTES = 64 * MiB;
/**
 * glibc's malloc maps a buffer of this size or more on its own and gives it back to the system when it is freed. Left alone, glibc raises
 * its limit to the first part it sees freed (up to 32 MiB), keeps parts in its heap from then on, and the heap of 64 MiB of parts grows
 * to 100 and stays. Below the smallest part, above the objects that come whole, which are many and would pay for a mapping each.
 */
export const MALLOC_MMAP_BYTES = 2 * MiB;
/** Objects in flight at once in one batch. */
export const COPY_CONCURRENCY = 16;
/** Batches in flight at once in one run; changed live by the signal `setConcurrency`. */
export const RUN_CONCURRENCY_DEFAULT = 4;
export const RUN_CONCURRENCY_MAX = 64;
/**
 * Batches (or groups of parts) at once in one worker process, which share its limiter and its memory: twice as many as a run has in flight
 * unless told otherwise, so that a run whose store is slow never holds all of a process, and no more, so that another process has work too.
 */
export const PROCESS_COPIES_MAX = 2 * RUN_CONCURRENCY_DEFAULT;
/** Of them, those that are not held up by a slow store: one that is copied, and one so that nothing waits while a batch is committed. */
export const PROCESS_COPIES_COUNTING = 2;
/** Tries of one batch before what still fails becomes an outcome. */
export const BATCH_TRIES = 5;
/** Events after which the workflow continues as new; Temporal warns at 10,240 and refuses at 51,200, our invariant is 5,000. */
export const HISTORY_EVENTS_MAX = 3000;
