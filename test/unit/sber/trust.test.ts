import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { pathToFileURL } from 'node:url';
import { CodedError } from '../../../src/common/errors';
import { connect } from '../../../src/sber/client';
import { accountSettings } from '../../../src/sber/endpoint';
import { trusted } from '../../../src/sber/trust';
import { startSberCloud, type SberCloud } from '../../../simulators/sber/cloud';
import { privateAuthority } from '../../support/certificates';
import { HurriedClock } from '../../support/hurried-clock';
import { socket } from '../../support/sber-examples';

const authority = privateAuthority();
const YESTERDAY = { from: new Date(Date.now() - 2 * 86_400_000), to: new Date(Date.now() - 86_400_000) };

describe('Trust for the endpoint of Sber', () => {
  let cloud: SberCloud | undefined;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sber-ca-'));
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(() => cloud?.close());

  async function list(ca: string, server = authority.issue('127.0.0.1')): Promise<unknown> {
    cloud = await startSberCloud({ tls: server, models: [socket('A')] });
    const settings = accountSettings({ endpoint: cloud.url, token: cloud.token, ca });
    return connect({ settings, clock: new HurriedClock(), random: () => 0.5 }).listModels();
  }

  const refused = (hint: RegExp) => (error: unknown) => {
    assert.ok(error instanceof CodedError);
    assert.equal(error.code, 'SBER_TLS');
    assert.match(error.cause.hint, hint);
    assert.equal(error.cause.retriable, false);
    return true;
  };

  it('refuses a server that nobody vouches for, sends it nothing, and says what to do', async () => {
    await assert.rejects(list(''), refused(/gosuslugi\.ru\/crt/));
    assert.equal(cloud?.journal.length, 0);
  });

  it('trusts an authority given as PEM', async () => {
    assert.deepEqual(await list(authority.cert), [socket('A')]);
  });

  it('trusts an authority in a file, PEM or DER, among other text', async () => {
    const pem = path.join(folder, 'root.pem');
    await writeFile(pem, `Subject: a comment\n${privateAuthority('another').cert}\n${authority.cert}`);
    assert.deepEqual(await list(pem), [socket('A')]);
    await cloud?.close();
    const cer = path.join(folder, 'root.cer');
    await writeFile(cer, new X509Certificate(authority.cert).raw);
    assert.deepEqual(await list(` ${cer} `), [socket('A')]);
  });

  it('reads a path however people write it: in quotes, as an address, in their home, two at once, in UTF-16', async () => {
    const pem = path.join(folder, 'ca one.pem');
    await writeFile(pem, authority.cert);
    const other = path.join(folder, 'other.pem');
    await writeFile(other, privateAuthority('other').cert);
    const wide = path.join(folder, 'wide.pem');
    await writeFile(wide, Buffer.from(`\ufeff${authority.cert}`, 'utf16le'));
    const home = `~/${path.relative(homedir(), pem)}`;
    const forms = [
      `"${pem}"`,
      `'${pem}'`,
      pathToFileURL(pem).href,
      home,
      `${other}, ${pem}`,
      `${other}\n"${pem}"`,
      wide,
    ];
    for (const form of [...forms, `"${authority.cert}"`]) {
      assert.ok((await trusted(form)).includes(authority.cert), form);
    }
    await assert.rejects(trusted(`${pem}, ${folder}/none.pem`), /none\.pem" cannot be read \(ENOENT\)/);
  });

  it('says that a certificate in between is missing, and does not send people for the root that they have', async () => {
    const stranger = privateAuthority('stranger');
    await assert.rejects(list(stranger.cert), refused(/certificate in between.*Sub CA/));
  });

  for (const [name, lineEnd] of [
    ['written out, as environment variables have them', '\\n'],
    ['spaces, as a one-line field pastes them', ' '],
    ['lost', ''],
    ['those of Windows', '\r\n'],
  ] as const) {
    it(`takes a PEM whose line ends are ${name}`, async () => {
      assert.deepEqual(await list(authority.cert.replace(/\n/g, lineEnd)), [socket('A')]);
    });
  }

  it('trusts that authority beside the defaults, not instead of them, and for itself alone', async () => {
    const roots = await trusted(authority.cert);
    for (const root of tls.rootCertificates) assert.ok(roots.includes(root));
    assert.ok(roots.includes(authority.cert));
    await list(authority.cert);
    await cloud?.close();
    await assert.rejects(list(''), refused(/gosuslugi/));
  });

  it('still refuses another authority, another host name and a certificate that ran out', async () => {
    await assert.rejects(list(privateAuthority('stranger').cert), refused(/certificate/));
    await cloud?.close();
    await assert.rejects(list(authority.cert, authority.issue('partners.example')), refused(/endpoint/));
    await cloud?.close();
    await assert.rejects(list(authority.cert, authority.issue('127.0.0.1', YESTERDAY)), refused(/clock/));
  });

  it('says SBER_TLS for what is no certificate, even where the cloud is on this machine', async () => {
    const empty = path.join(folder, 'empty');
    await writeFile(empty, '');
    const damaged = authority.cert.replace(/\n(.{20})/, '\nAAAA$1');
    for (const ca of [damaged, '-----BEGIN CERTIFICATE-----', 'not a certificate', path.join(folder, 'none'), empty]) {
      cloud = await startSberCloud();
      const settings = accountSettings({ endpoint: cloud.url, token: cloud.token, ca });
      const client = connect({ settings, clock: new HurriedClock(), random: () => 0.5 });
      await assert.rejects(client.listModels(), refused(/BEGIN CERTIFICATE/));
      assert.equal(cloud.journal.length, 0);
      await cloud.close();
    }
  });

  it('looks again when the file was not there at first', async () => {
    const late = path.join(folder, 'late.pem');
    cloud = await startSberCloud({ tls: authority.issue('127.0.0.1') });
    const settings = accountSettings({ endpoint: cloud.url, token: cloud.token, ca: late });
    const client = connect({ settings, clock: new HurriedClock(), random: () => 0.5 });
    await assert.rejects(client.listModels(), refused(/file/));
    await writeFile(late, authority.cert);
    assert.deepEqual(await client.listModels(), []);
  });

  it('tells of a server that speaks no TLS, and sends nobody off for a certificate', async () => {
    cloud = await startSberCloud();
    const endpoint = cloud.url.replace('http:', 'https:');
    const settings = accountSettings({ endpoint, token: cloud.token });
    const client = connect({ settings, clock: new HurriedClock(), random: () => 0.5 });
    await assert.rejects(client.listModels(), refused(/does not speak https/));
  });
});
