import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { expect, test } from '@jest/globals';
import { JobArgs, RiverClient, RiverModule } from 'nestjs-river';
import { RiverTestingModule } from 'nestjs-river/testing';
import { RiverWorker, RiverWorkerModule, Work } from 'nestjs-river/worker';

@JobArgs('send_receipt')
class SendReceipt {}

@Injectable()
class Jobs {
  @Work(SendReceipt)
  send(): void {}
}

test('an application with a worker starts in RiverTestingModule, and works nothing there', async () => {
  const module = await RiverTestingModule.override(
    Test.createTestingModule({
      imports: [RiverModule.forRoot(), RiverWorkerModule.forRoot({ queues: { default: 1 } })],
      providers: [Jobs],
    }),
  ).compile();
  await module.init();
  await module.get(RiverClient).insert(new SendReceipt());
  expect(module.get(RiverWorker).status()).toMatchObject({ isRunning: false, queues: [] });
  await module.close();
});
