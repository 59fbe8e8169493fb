import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import helmet from 'helmet';
import { AppModule, type AppOptions } from '../app.module.js';
import { paths } from '../config/paths.js';
import { ownSiteOnly } from '../http/own-site-only.js';

/**
 * The Nest application, ready to listen: the API, its documentation at /docs, the page at /.
 *
 * @param host under which it listens
 */
export async function createApp(
  options: AppOptions,
  host: string,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(options), {
    logger: ['warn', 'error', 'fatal'],
    // An error of the start is ours to report, after what was started is stopped again.
    abortOnError: false,
    // JSON only: a page of another site can post a form without asking first, but no JSON.
    bodyParser: false,
  });
  app.use(
    ownSiteOnly(host),
    // A Content-Security-Policy, no X-Powered-By, and more. It is served over HTTP, on one's own machine.
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
  );
  app.useBodyParser('json');
  app.useStaticAssets(paths.publicFolder);
  const description = new DocumentBuilder()
    .setTitle('nestjs-river sample')
    .setDescription('A Nest application that inserts jobs, worked by River in Go.')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description));
  return app;
}
