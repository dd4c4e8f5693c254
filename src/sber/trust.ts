/**
 * Which certificates are trusted for Sber's endpoint: Node's default roots and, beside them, what the account names (most
 * often the Russian Trusted Root CA). Only this endpoint's connections use the list; the process's own trust stays as it
 * is, and nothing here can turn verification off.
 */
import { X509Certificate } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import * as tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { systemCode } from '../common/errors';
import { foreignText } from '../common/foreign';
import { SberError } from './failures';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const CA_HINT =
  'Paste a certificate in PEM form (from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----) into the CA field, or the path of a file with one; several paths with a comma between them.';

/**
 * The trust of an account, read when it is first needed. A file that cannot be read is looked for again the next time.
 * @param ca PEM text of one or more certificates, or paths of files with them (PEM, or one certificate as DER)
 */
export function trusting(ca: string): () => Promise<tls.SecureContext> {
  // One context for all connections: parsing some 150 certificates anew for each would cost more than the request.
  let context: Promise<tls.SecureContext> | undefined;
  return () => {
    context ??= trusted(ca).then((all) => tls.createSecureContext({ ca: all }));
    context.catch(() => {
      context = undefined;
    });
    return context;
  };
}

/** A list of one's own replaces the default roots, so they are in it too. Each as PEM. @throws SBER_TLS */
export async function trusted(ca: string): Promise<string[]> {
  const given = unquoted(ca);
  if (given.includes('-----BEGIN')) return [...defaultRoots(), ...fromPem(given, 'the CA field')];
  const isOne = await access(filePath(given)).then(
    () => true,
    () => false,
  );
  const paths = isOne ? [given] : given.split(/[\n,;]/).map(unquoted);
  const files = await Promise.all(paths.filter((each) => each !== '').map(inFile));
  return [...defaultRoots(), ...files.flat()];
}

async function inFile(name: string): Promise<string[]> {
  const content = await readFile(filePath(name)).catch((error: unknown) => {
    throw noCertificate(`the CA file "${foreignText(name, 80)}" cannot be read (${systemCode(error) ?? 'no file'})`);
  });
  // Windows' editors save in UTF-16, with a mark at the beginning.
  const isWide = content[0] === 0xff && content[1] === 0xfe;
  const text = content.toString(isWide ? 'utf16le' : 'latin1');
  return text.includes('-----BEGIN') ? fromPem(text, 'the CA file') : [checked(content, 'the CA file')];
}

/** A path as people write it, of a file in their home or as an address. */
function filePath(name: string): string {
  if (/^file:\/\//i.test(name)) return URL.canParse(name) ? fileURLToPath(name) : name;
  return /^~[\\/]/.test(name) ? path.join(homedir(), name.slice(2)) : name;
}

function unquoted(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim();
}

function fromPem(text: string, where: string): string[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw noCertificate(`there is no certificate in ${where}`);
  // A one-line field or a variable often brings a block without its line ends, or with them as spaces or written out.
  const base64 = blocks.map((block) => block.replace(/-----[^-]*-----/g, '').replace(/\\[rn]|\s/g, ''));
  return base64.map((each) => checked(Buffer.from(each, 'base64'), where));
}

function checked(certificate: Buffer, where: string): string {
  try {
    return new X509Certificate(certificate).toString();
  } catch {
    throw noCertificate(`what stands in ${where} is no certificate`);
  }
}

function noCertificate(message: string): Error {
  return new SberError('SBER_TLS', message, { hint: CA_HINT, sent: false });
}

/** Node's roots; from 22.15 on with those the user added through NODE_EXTRA_CA_CERTS or the system's store. */
function defaultRoots(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates === undefined ? tls.rootCertificates : getCACertificates('default');
}
