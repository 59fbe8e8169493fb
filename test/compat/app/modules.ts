import { Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';
import {
  InjectRiverClient,
  InjectRiverTransaction,
  RiverClient,
  RiverModule,
  RiverTransaction,
  type RiverModuleOptions,
  type RiverOptionsFactory,
} from 'nestjs-river';
import { DataSource } from 'typeorm';
import { Order, OrdersController, OrdersService } from './orders.js';

export function dataSourceOptions(url: string): TypeOrmModuleOptions & { type: 'postgres' } {
  return { type: 'postgres', url, entities: [Order], synchronize: true, retryAttempts: 0 };
}

/** One data source, one client, both without a name. */
@Module({})
export class ShopModule {
  static with(url: string): DynamicModule {
    return {
      module: ShopModule,
      imports: [
        TypeOrmModule.forRoot(dataSourceOptions(url)),
        TypeOrmModule.forFeature([Order]),
        RiverModule.forRoot(),
      ],
      controllers: [OrdersController],
      providers: [OrdersService],
    };
  }
}

@Injectable()
class RiverSettings implements RiverOptionsFactory {
  createRiverOptions(): RiverModuleOptions {
    return { maxAttempts: 7 };
  }
}

/** What the clients of two data sources are injected into. */
@Injectable()
export class TwoClients {
  @InjectRiverTransaction('billing')
  readonly billingTransaction!: RiverTransaction;

  constructor(
    readonly first: RiverClient,
    @InjectRiverClient('billing') readonly billing: RiverClient,
    @InjectRiverClient('instance') readonly instance: RiverClient,
    readonly firstTransaction: RiverTransaction,
  ) {}
}

/** Clients over a data source without a name, one with a name, and one given as an object. */
@Module({})
export class TwoDatabasesModule {
  static with(url: string, otherUrl: string, instance: DataSource): DynamicModule {
    return {
      module: TwoDatabasesModule,
      imports: [
        TypeOrmModule.forRoot(dataSourceOptions(url)),
        TypeOrmModule.forRoot({ ...dataSourceOptions(otherUrl), name: 'other' }),
        RiverModule.forRootAsync({ useClass: RiverSettings }),
        RiverModule.forRootAsync({
          name: 'billing',
          dataSource: 'other',
          inject: [getDataSourceToken('other')],
          useFactory: (other: DataSource) => ({ maxAttempts: other.isInitialized ? 9 : 1 }),
        }),
        RiverModule.forRoot({ name: 'instance', dataSource: instance, maxAttempts: 3 }),
      ],
      providers: [TwoClients],
    };
  }
}

/** Two clients that ask for the same name. */
@Module({})
export class NameTakenModule {
  static with(dataSource: DataSource): DynamicModule {
    return {
      module: NameTakenModule,
      imports: [RiverModule.forRoot({ dataSource }), RiverModule.forRoot({ dataSource })],
    };
  }
}

/** Whatever classes are given. */
@Module({})
export class PartsModule {
  static with(
    dataSource: DataSource,
    parts: { controllers?: Type[]; providers?: Type[] },
  ): DynamicModule {
    return { module: PartsModule, imports: [RiverModule.forRoot({ dataSource })], ...parts };
  }
}

@Module({ imports: [RiverModule.forRoot()] })
export class NoDataSourceModule {}
