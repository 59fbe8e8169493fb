import { DataSource } from 'typeorm';
import { River1763700000000 } from './river.js';

export default new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'],
  migrations: [River1763700000000],
});
