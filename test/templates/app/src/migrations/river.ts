import { riverMigration } from 'nestjs-river/migrations';

export class River1763700000000 extends riverMigration({
  timestamp: 1763700000000,
  from: 0,
  to: 8,
}) {}
