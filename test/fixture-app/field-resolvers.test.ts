import { Inject } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import {
  Args,
  Field,
  GraphQLModule,
  ObjectType,
  Query,
  ResolveField,
  Resolver,
} from '@nestjs/graphql';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from 'typeorm';
import {
  RiverClient,
  RiverTransaction,
  RiverTransactional,
  TransactionManager,
} from 'nestjs-river';
import {
  createShopDatabase,
  riverOn,
  startShopApp,
  type ShopApp,
  type ShopDatabase,
} from '../http/shop-app.js';
import { NOTHING, OrderEntity, SendReceipt } from '../transaction/orders.js';

@ObjectType()
class Shop {
  @Field(() => String)
  name!: string;
}

@Resolver(() => Shop)
class ShopResolver {
  constructor(
    @Inject(RiverClient) private readonly river: RiverClient,
    @Inject(RiverTransaction) private readonly transaction: RiverTransaction,
  ) {}

  @Query(() => Shop)
  shop(): Shop {
    return { name: 'shop' };
  }

  @ResolveField(() => String)
  @RiverTransactional()
  async placed(@Args('item', { type: () => String }) item: string): Promise<string> {
    return await this.#place(item, this.transaction.manager);
  }

  @ResolveField(() => String)
  @RiverTransactional()
  async placedByParameter(
    @Args('item', { type: () => String }) item: string,
    @TransactionManager() manager: EntityManager,
  ): Promise<string> {
    return await this.#place(item, manager);
  }

  async #place(item: string, manager: EntityManager): Promise<string> {
    await manager.save(OrderEntity, { item });
    await this.river.insert(new SendReceipt(item));
    if (item.startsWith('failing')) throw new Error(item);
    return item;
  }
}

let database: ShopDatabase;
beforeAll(async () => {
  database = await createShopDatabase();
});
afterEach(() => database.forget());
afterAll(() => database.dataSource.destroy());

function start(fieldResolverEnhancers: ApolloDriverConfig['fieldResolverEnhancers']) {
  return startShopApp({
    providers: [ShopResolver],
    modules: [
      riverOn(database.dataSource),
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        playground: false,
        graphiql: false,
        fieldResolverEnhancers,
      }),
    ],
  });
}

describe.each([
  ['without interceptors, as is the default', [], 'Put @RiverTransactional() on it'],
  ['with interceptors', ['interceptors'] as const, undefined],
])('field resolvers %s', (_how, enhancers, refusal) => {
  let shop: ShopApp;
  beforeAll(async () => {
    shop = await start([...enhancers]);
  });
  afterAll(() => shop.stop());

  const ask = async (field: string, item: string): Promise<string> => {
    const query = `query ($item: String!) { shop { ${field}(item: $item) } }`;
    const { body } = await shop.post('/graphql', { query, variables: { item } });
    return JSON.stringify(body);
  };

  test('commit and roll back', async () => {
    expect(await ask('placed', 'book')).toContain('"placed":"book"');
    expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
    await database.forget();
    expect(await ask('placed', 'failing')).toContain('errors');
    expect(await database.stored()).toEqual(NOTHING);
  });

  test('parameters of the transaction are given, or refused with what to do', async () => {
    const answer = await ask('placedByParameter', 'book');
    if (refusal === undefined) {
      expect(answer).toContain('"placedByParameter":"book"');
      expect(await database.stored()).toEqual({ orders: ['book'], jobs: 1 });
      return;
    }
    expect(answer).toContain(refusal);
    expect(answer).toContain('fieldResolverEnhancers');
    expect(await database.stored()).toEqual(NOTHING);
  });
});
