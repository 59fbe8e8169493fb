import { Catch, HttpException, HttpStatus, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import {
  DatabaseError,
  InvalidJobError,
  InvalidParamsError,
  JobFailedError,
  JobNotFoundError,
  QueueNotFoundError,
  RiverError,
  WaitTimeoutError,
} from 'nestjs-river';

/**
 * What a request has caused by what it asked for, as an answer that says so. A job or a filter that
 * the library refuses before anything is sent (a priority of 9, a state that does not exist) is the
 * client's mistake. Everything else stays a 500.
 */
const STATUS = [
  [InvalidJobError, HttpStatus.BAD_REQUEST],
  [InvalidParamsError, HttpStatus.BAD_REQUEST],
  [JobNotFoundError, HttpStatus.NOT_FOUND],
  [QueueNotFoundError, HttpStatus.NOT_FOUND],
  [JobFailedError, HttpStatus.UNPROCESSABLE_ENTITY],
  [WaitTimeoutError, HttpStatus.GATEWAY_TIMEOUT],
] as const;

/** SQLSTATE of a retry whose place an equal unique job has taken. */
const UNIQUE_VIOLATION = '23505';

@Catch(RiverError)
export class RiverErrorFilter extends BaseExceptionFilter {
  override catch(error: RiverError, host: ArgumentsHost): void {
    const status = statusOf(error);
    if (status === undefined) return super.catch(error, host);
    const { message, code, field, index } = error;
    const answer = { statusCode: status, message, code, field, index };
    super.catch(new HttpException(answer, status, { cause: error }), host);
  }
}

function statusOf(error: RiverError): HttpStatus | undefined {
  if (error instanceof DatabaseError && error.sqlState === UNIQUE_VIOLATION) {
    return HttpStatus.CONFLICT;
  }
  return STATUS.find(([type]) => error instanceof type)?.[1];
}
