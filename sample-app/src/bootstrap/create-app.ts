import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule, type AppOptions } from '../app.module.js';
import { paths } from '../config/paths.js';

/** The Nest application, ready to listen: the API, its documentation at /docs, the page at /. */
export async function createApp(options: AppOptions): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(options), {
    logger: ['warn', 'error', 'fatal'],
    // An error of the start is ours to report, after what was started is stopped again.
    abortOnError: false,
  });
  app.useStaticAssets(paths.publicFolder);
  const description = new DocumentBuilder()
    .setTitle('nestjs-river sample')
    .setDescription('A Nest application that inserts jobs, worked by River in Go.')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description));
  return app;
}
