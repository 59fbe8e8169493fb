import { Module } from '@nestjs/common';
import { SortController } from './sort.controller.js';

@Module({ controllers: [SortController] })
export class SortModule {}
