import { request as httpRequest, type ServerResponse } from 'node:http';
import {
  Catch,
  ConflictException,
  Controller,
  Inject,
  Injectable,
  Post,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  concatMap,
  defer,
  mergeMap,
  race,
  range,
  retry,
  Subject,
  throwError,
  TimeoutError,
  type Observable,
} from 'rxjs';
import { RiverClient, RiverTransaction, RiverTransactional } from 'nestjs-river';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from './shop-app.js';

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const caught: unknown[] = [];
const kept = new ConflictException('the very one');
/** What handlers tell of themselves, since some have no client to answer any more. */
const notes: unknown[] = [];

@Catch()
class RecordingFilter implements ExceptionFilter {
  catch(exception: unknown, host: ArgumentsHost): void {
    caught.push(exception);
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { json(body: unknown): void } }>();
    response.status(500).json({});
  }
}

/** When the time of {@link TimeoutInterceptor} is over. */
const timeIsOver = new Subject<void>();

/** As applications have it: times out, around everything; here at a moment that the handler chooses. */
@Injectable()
class TimeoutInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const timedOut = timeIsOver.pipe(mergeMap(() => throwError(() => new TimeoutError())));
    return race(timedOut, next.handle());
  }
}

/** Looks into the database from outside when the answer is on its way. */
@Injectable()
class AnswerInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      concatMap(async (value: unknown) => {
        note(await database.stored());
        return value;
      }),
    );
  }
}

/** Asks for the answer three times, and notes how many wait for the end of the response. */
@Injectable()
class PatientInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<ServerResponse>();
    return defer(() => {
      note(response.listenerCount('close'));
      return next.handle() as Observable<unknown>;
    }).pipe(retry(2));
  }
}

const note = (what: unknown): void => void notes.push(what);

/** An interceptor that stands below our decorator is around the transaction. */
@Controller()
class Handlers {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  async #place(item: string): Promise<void> {
    await database.dataSource.getRepository(OrderEntity).insert({ item });
    await this.river.insert(new SendReceipt(item));
  }

  @Post('slow')
  @RiverTransactional()
  @UseInterceptors(TimeoutInterceptor)
  async slow(): Promise<string> {
    await this.#place('first');
    timeIsOver.next();
    await this.#place('second').catch(note);
    return 'too late';
  }

  @Post('leaving')
  @RiverTransactional()
  async leaving(): Promise<string> {
    await this.#wait();
    return 'nobody listens';
  }

  @Post('leaving/rollback')
  @RiverTransactional({ onDisconnect: 'rollback' })
  async leavingRollback(): Promise<string> {
    await this.#wait();
    return 'nobody listens';
  }

  @Post('leaving/patient')
  @RiverTransactional({ onDisconnect: 'rollback' })
  @UseInterceptors(PatientInterceptor)
  async patient(): Promise<string> {
    await this.#place('first');
    if (notes.length < 3) throw new Error('again');
    return 'placed';
  }

  async #wait(): Promise<void> {
    this.transaction.afterCommit(() => note('committed'));
    this.transaction.afterRollback(() => note('rolled back'));
    await this.#place('first');
    note('started');
    await pause(200);
    await this.#place('second').catch(note);
  }

  @Post('placed')
  @RiverTransactional()
  @UseInterceptors(AnswerInterceptor)
  async placed(): Promise<string> {
    await this.#place('book');
    note(await database.stored());
    return 'placed';
  }

  @Post('values')
  @RiverTransactional({ maxHeldValues: 3 })
  values(): Observable<unknown> {
    return range(1, 3).pipe(concatMap((n) => this.#place(`${n}`)));
  }

  @Post('values/two-limits')
  @RiverTransactional({ maxHeldValues: 10 })
  @RiverTransactional({ name: 'other', maxHeldValues: 3 })
  twoLimits(): Observable<unknown> {
    return range(1, 4).pipe(concatMap((n) => this.#place(`${n}`)));
  }

  @Post('values/too-many')
  @RiverTransactional({ maxHeldValues: 3 })
  tooMany(): Observable<unknown> {
    return range(1, 4).pipe(concatMap((n) => this.#place(`${n}`)));
  }

  @Post('values/default')
  @RiverTransactional()
  tooManyByDefault(): Observable<unknown> {
    return range(1, 1_001);
  }

  @Post('retried')
  @RiverTransactional({ retries: 3 })
  async retried(): Promise<object> {
    await this.#place('book');
    note('run');
    if (notes.length < 3) {
      await this.transaction.manager.query(
        `do $$ begin raise 'no' using errcode = '40001'; end $$`,
      );
    }
    return { runs: notes.length };
  }

  @Post('failing')
  @RiverTransactional()
  async failing(): Promise<void> {
    await this.#place('book');
    throw kept;
  }

  @Post('limited')
  @RiverTransactional({ timeoutMs: 50 })
  async limited(): Promise<void> {
    // On a slow machine the time is over before this is stored.
    await this.#place('book').catch(() => undefined);
    await pause(300);
    await this.#place('late').catch(note);
  }
}

let database: ShopDatabase;
let shop: ShopApp;
beforeAll(async () => {
  database = await createShopDatabase(2);
  shop = await startShopApp({
    controllers: [Handlers],
    modules: [riverOn(database.dataSource), riverOn(database.dataSource, { name: 'other' })],
    prepare: (app) => app.useGlobalFilters(new RecordingFilter()),
  });
});
afterEach(async () => {
  caught.length = 0;
  notes.length = 0;
  await database.forget();
});
afterAll(async () => {
  await shop.stop();
  await database.dataSource.destroy();
});

const names = (values: unknown[]) =>
  values.map((value) => (value instanceof Error ? value.name : value));

describe('an outer interceptor that times out', () => {
  test('rolls back, and statements that come later are refused', async () => {
    expect(await shop.post('/slow')).toMatchObject({ status: 500 });
    expect(names(caught)).toEqual(['TimeoutError']);
    while (notes.length === 0) await pause(20);
    expect(names(notes)).toEqual(['TransactionEndedError']);
    expect(await database.stored()).toEqual(NOTHING);
  });
});

describe('a client that goes away', () => {
  /** Sends a request, and goes when its handler has started. */
  async function leave(path: string): Promise<void> {
    const url = await shop.app.getUrl();
    const request = httpRequest(`${url}${path}`, { method: 'POST', agent: false });
    request.on('error', () => undefined).end();
    while (!notes.includes('started')) await pause(5);
    request.destroy();
    await pause(500);
  }

  test('changes nothing by default, since Nest does not stop the handler', async () => {
    await leave('/leaving');
    expect(notes).toEqual(['started', 'committed']);
    expect(await database.stored()).toEqual({ orders: ['first', 'second'], jobs: 2 });
  });

  test("rolls back with onDisconnect: 'rollback', and later statements are refused", async () => {
    await leave('/leaving/rollback');
    expect(names(notes)).toEqual(['started', 'rolled back', 'TransactionEndedError']);
    expect(await database.stored()).toEqual(NOTHING);
  });

  test("that waits for its answer is no disconnect with onDisconnect: 'rollback'", async () => {
    expect(await shop.post('/leaving/rollback')).toMatchObject({ status: 201 });
    expect(await database.stored()).toMatchObject({ jobs: 2 });
  });

  test('leaves no listener on the response when an outer interceptor asks anew', async () => {
    expect(await shop.post('/leaving/patient')).toMatchObject({ status: 201 });
    const [before] = notes;
    expect(notes).toEqual([before, before, before]);
    expect(await database.stored()).toEqual({ orders: ['first'], jobs: 1 });
  });
});

describe("an Observable's values", () => {
  test('are held up to maxHeldValues', async () => {
    expect(await shop.post('/values')).toMatchObject({ status: 201 });
    expect(await database.stored()).toMatchObject({ jobs: 3 });
  });

  test.each(['/values/too-many', '/values/two-limits', '/values/default'])(
    '%s: one more rolls back',
    async (path) => {
      expect(await shop.post(path)).toMatchObject({ status: 500 });
      expect(caught).toMatchObject([{ name: 'RiverTransactionError', field: 'maxHeldValues' }]);
      expect(await database.stored()).toEqual(NOTHING);
    },
  );
});

test('the answer of a handler leaves after COMMIT', async () => {
  expect(await shop.post('/placed')).toMatchObject({ status: 201 });
  expect(notes).toEqual([NOTHING, { orders: ['book'], jobs: 1 }]);
});

test('retries run the handler again, and answer what the last run did', async () => {
  expect(await shop.post('/retried')).toEqual({ status: 201, body: { runs: 3 } });
  expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
});

test('exception filters receive the very error that the handler threw', async () => {
  await shop.post('/failing');
  expect(caught[0]).toBe(kept);
  expect(await database.stored()).toEqual(NOTHING);
});

test('timeoutMs rejects the request when it is over, and statements that come later', async () => {
  expect(await shop.post('/limited')).toMatchObject({ status: 500 });
  expect(names(caught)).toEqual(['TransactionAbortedError']);
  while (notes.length === 0) await pause(20);
  expect(names(notes)).toEqual(['TransactionEndedError']);
  expect(await database.stored()).toEqual(NOTHING);
});
