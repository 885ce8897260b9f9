import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExtensionRoute } from '../../query-api/index.ts';
import { DeviceFiles, deviceFilesPath } from './device-files.ts';
import { LivePages, livePagesPath } from './live-pages.ts';
import type { FileAnswer } from './served-files.ts';

interface Files {
  answer(pathname: string, ifNoneMatch: string | undefined): Promise<FileAnswer | null>;
}

/** Pages and the device client are open: they hold no data. `pages`: the folder that they lie in. */
export function liveFileRoutes(pages: URL, gateways: readonly string[] = []): readonly ExtensionRoute[] {
  return [
    routeOf(livePagesPath, new LivePages(pages, gateways)),
    routeOf(deviceFilesPath, new DeviceFiles()),
  ];
}

function routeOf(prefix: string, files: Files): ExtensionRoute {
  return {
    prefix,
    isOpen: true,
    handle: async (request, response, { url }) => await sendFile(files, url.pathname, request, response),
  };
}

async function sendFile(
  files: Files,
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
    return;
  }
  const answer = await files.answer(pathname, request.headers['if-none-match']);
  if (answer === null) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('There is no such file.\n');
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(request.method === 'HEAD' ? undefined : (answer.body ?? undefined));
}
