import { BadRequestException, Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { InvalidJobError } from 'nestjs-river';

/**
 * A job that River would not take because of what the request asked for (a priority of 9, a queue
 * with a space in its name) is the client's mistake, hence 400. The library refuses it before
 * anything is sent to the database, and says which field and why. Everything else stays a 500.
 */
@Catch(InvalidJobError)
export class RiverErrorFilter extends BaseExceptionFilter {
  override catch(error: InvalidJobError, host: ArgumentsHost): void {
    const { message, code, field, index } = error;
    const answer = { statusCode: 400, error: 'Bad Request', message, code, field, index };
    super.catch(new BadRequestException(answer, { cause: error }), host);
  }
}
