/** From what Temporal's client throws to a failure of our table. */
import { isGrpcServiceError } from '@temporalio/client';
import { isWaybillError, WaybillError } from '../core/failures.ts';

/** `temporal_unavailable`, with gRPC's status in it: the API never depends on Temporal for what it has promised already. */
export function toTemporalError(error: unknown): WaybillError {
  if (isWaybillError(error)) return error;
  // The client wraps the gRPC error in one with its own message; the status is in the cause.
  const cause = (error as { cause?: unknown } | null)?.cause;
  const status = [error, cause].find(isGrpcServiceError);
  const details = status === undefined ? {} : { grpc: status.code };
  return new WaybillError('temporal_unavailable', 'Temporal did not do what it was asked', details, { cause: error });
}
