/** Every form of address that the guide shows, on servers that ask for passwords and for TLS. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { privateAuthority, type Authority } from '../support/certificates';
import { freePort, RedisServer } from '../support/redis';

const ROOT = path.join(__dirname, '..', '..');
const USER = path.join(ROOT, 'test', 'support', 'redis-user.ts');
/** With characters that mean something in an address. */
const PASSWORD = 'demo p@ss:/?#%';
const ENCODED = encodeURIComponent(PASSWORD);
const WORKS = { numbers: [1, 2], value: 'kept', heard: 'news', warnings: [] };

describe('the addresses of a shared state', () => {
  let folder: string;
  let authority: Authority;
  const running: RedisServer[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'addresses-'));
    authority = privateAuthority();
    await writeFile(path.join(folder, 'ca.pem'), authority.cert);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const start = async (...settings: string[]): Promise<RedisServer> => {
    const server = await RedisServer.start(...settings);
    running.push(server);
    return server;
  };
  const startTls = async (host: string, ...settings: string[]): Promise<{ server: RedisServer; port: number }> => {
    const { cert, key } = authority.issue(host);
    const [certFile, keyFile] = [path.join(folder, `${host}.pem`), path.join(folder, `${host}.key`)];
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    const port = await freePort();
    const files = [
      '--tls-cert-file',
      certFile,
      '--tls-key-file',
      keyFile,
      '--tls-ca-cert-file',
      path.join(folder, 'ca.pem'),
    ];
    const server = await start('--tls-port', String(port), '--tls-auth-clients', 'no', ...files, ...settings);
    return { server, port };
  };
  const use = async (url: string, trusted = true): Promise<unknown> => {
    const { PATH = '' } = process.env;
    const ca = trusted ? { NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem') } : {};
    const printed = await new Promise<string>((resolve, reject) => {
      const env = { PATH, STATE_URL: url, ...ca };
      execFile(process.execPath, ['--import', 'tsx', USER], { cwd: ROOT, env }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      });
    });
    assert.ok(!printed.includes('demo'), printed);
    return JSON.parse(printed);
  };

  it('a password, and a database', async () => {
    const { port } = await start('--requirepass', PASSWORD);
    assert.deepEqual(await use(`redis://:${ENCODED}@127.0.0.1:${port}/3`), WORKS);
  });

  it('a user with a password', async () => {
    const { port } = await start();
    const { Redis } = await import('ioredis');
    const raw = new Redis(port);
    await raw.call('ACL', 'SETUSER', 'keys', 'on', `>${PASSWORD}`, '~thekeys:*', '&thekeys:*', '+@all');
    await raw.call('ACL', 'SETUSER', 'default', 'off');
    raw.disconnect();
    assert.deepEqual(await use(`redis://keys:${ENCODED}@localhost:${port}`), WORKS);
    assert.equal(((await use(`redis://keys:other@localhost:${port}`)) as { failed: string }).failed, 'WRONGPASS');
  });

  it('TLS with the name of the server, or its number', async () => {
    const named = await startTls('localhost', '--requirepass', PASSWORD);
    assert.deepEqual(await use(`rediss://:${ENCODED}@localhost:${named.port}`), WORKS);
    const numbered = await startTls('127.0.0.1');
    assert.deepEqual(await use(`rediss://127.0.0.1:${numbered.port}`), WORKS);
  });

  it('TLS behind a host of many servers, which chooses by the name that it is asked for', async () => {
    const { port } = await start();
    const secureContext = tls.createSecureContext(authority.issue('localhost'));
    const host = tls.createServer(
      { SNICallback: (name, chosen) => chosen(null, name === 'localhost' ? secureContext : undefined) },
      (near) => {
        const far = net.connect(port, '127.0.0.1');
        near.pipe(far).pipe(near);
        near.on('error', () => far.destroy());
        far.on('error', () => near.destroy());
      },
    );
    await new Promise<void>((resolve) => host.listen(0, resolve));
    try {
      assert.deepEqual(await use(`rediss://localhost:${(host.address() as AddressInfo).port}`), WORKS);
    } finally {
      await new Promise((resolve) => host.close(resolve));
    }
  });

  it('TLS is refused where the certificate is for another name, or by nobody who is trusted', async () => {
    const { port } = await startTls('localhost');
    const { failed: another } = (await use(`rediss://127.0.0.1:${port}`)) as { failed: string };
    assert.equal(another, 'ERR_TLS_CERT_ALTNAME_INVALID');
    const { failed: unknown } = (await use(`rediss://localhost:${port}`, false)) as { failed: string };
    assert.match(unknown, /^(UNABLE_TO|SELF_SIGNED)/);
  });
});
