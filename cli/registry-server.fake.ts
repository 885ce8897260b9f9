import { createServer } from 'node:http';
import { BundledRegistry } from '../schemas/index.ts';

export interface RegistryServer {
  readonly url: string;
  readonly registry: BundledRegistry;
  /** As a program does; a text with `$schema` is JSON Schema. */
  register(subject: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** The bundled registry behind as much of Confluent's interface as the commands ask for; it refuses no schema. */
export async function startRegistryServer(): Promise<RegistryServer> {
  const registry = new BundledRegistry();
  const subjects = new Set<string>();
  const answer = async (method: string, path: string, body: string): Promise<unknown> => {
    const [, root, first = '', second, third] = path.split('?')[0]?.split('/').map(decodeURIComponent) ?? [];
    if (root === 'config') return { compatibilityLevel: 'NONE' };
    if (root === 'compatibility') return { is_compatible: true };
    if (root !== 'subjects') return undefined;
    if (first === '') return [...subjects];
    if (method === 'POST') {
      const given: { readonly schema: string } = JSON.parse(body);
      subjects.add(first);
      const { version, schema } = await registry.register(first, given.schema);
      return { subject: first, version, id: schema.id, schema: schema.text };
    }
    const versions = await registry.versions(first);
    if (second !== 'versions' || versions.length === 0) return undefined;
    if (third === undefined) return versions.map(({ version }) => version);
    const found =
      third === 'latest' ? versions.at(-1) : versions.find(({ version }) => String(version) === third);
    if (found === undefined) return undefined;
    const { id, text } = found.schema;
    const schemaType = text.includes('"$schema"') ? { schemaType: 'JSON' } : {};
    return { subject: first, version: found.version, id, schema: text, ...schemaType };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const found = await answer(request.method ?? '', request.url ?? '', Buffer.concat(chunks).toString());
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(found ?? { error_code: 40_401, message: 'Not found' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = server.address();
  if (port === null || typeof port === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${port.port}`,
    registry,
    register: async (subject, text) => {
      subjects.add(subject);
      await registry.register(subject, text);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
