import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { GraphQLModule } from '@nestjs/graphql';
import { ClientProxy, ClientProxyFactory, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RiverModule } from 'nestjs-river';
import type { TestDatabase } from '../support/index.js';
import { OrderEntity } from '../transaction/orders.js';
import * as handlers from './handlers.js';
import { OrdersStore } from './orders.js';
import { Outcomes } from './outcomes.js';

/** Where the modules that look for handlers stand, against ours and the one of the data source. */
export type ImportOrder = 'before' | 'between' | 'after';

const CONTROLLERS: Type[] = [
  handlers.HttpHandlers,
  handlers.InheritedHandlers,
  handlers.RequestScopedHandlers,
  handlers.MessageHandlers,
];
const PROVIDERS: Type[] = [
  OrdersStore,
  Outcomes,
  handlers.SocketHandlers,
  handlers.GraphqlHandlers,
  handlers.Jobs,
  handlers.Listeners,
  handlers.InheritingListeners,
  handlers.RequestScopedListeners,
];

/** A shop that is talked to in every way that Nest knows. */
export interface FixtureApp {
  readonly app: INestApplication;
  /** http://host:port */
  readonly url: string;
  readonly rpc: ClientProxy;
  stop(): Promise<void>;
}

export async function startFixtureApp(
  database: TestDatabase,
  order: ImportOrder,
): Promise<FixtureApp> {
  const testing = await Test.createTestingModule({
    imports: [...imports(database, order), TypeOrmModule.forFeature([OrderEntity])],
    controllers: CONTROLLERS,
    providers: PROVIDERS,
  }).compile();
  const app = testing.createNestApplication({ logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  const server = app.connectMicroservice(
    { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
    { inheritAppConfig: true },
  );
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = server.unwrap<{ address(): { port: number } }>().address();
  const rpc = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  return {
    app,
    url: (await app.getUrl()).replace('[::1]', '127.0.0.1'),
    rpc,
    async stop() {
      await rpc.close();
      await app.close();
    },
  };
}

function imports({ url }: TestDatabase, order: ImportOrder): DynamicModule[] {
  const typeorm = TypeOrmModule.forRoot({ type: 'postgres', url, entities: [OrderEntity] });
  const river = RiverModule.forRoot({ notify: { cooldownMs: 0 } });
  const looking = [
    ScheduleModule.forRoot(),
    EventEmitterModule.forRoot(),
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      playground: false,
      plugins: [],
    }),
  ];
  return {
    before: [...looking, typeorm, river],
    between: [river, ...looking, typeorm],
    after: [typeorm, river, ...looking],
  }[order];
}
