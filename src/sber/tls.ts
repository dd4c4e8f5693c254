/**
 * Which certificates are trusted for Sber's endpoint: Node's default roots and, beside them, what the account names (most
 * often the Russian Trusted Root CA). Only this endpoint's connections use the list; the process's own trust stays as it
 * is, and nothing here can turn verification off.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import * as tls from 'node:tls';
import { systemCode } from '../common/errors';
import { sberError } from './errors';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const CA_HINT =
  'Paste a certificate in PEM form (from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----) into the CA field, or the path of a file with one.';

/**
 * An agent that trusts the default roots and `ca`, for connections of their own (none is kept alive).
 * @param ca PEM text of one or more certificates, or the path of a file with them (PEM, or one certificate as DER)
 * @throws SBER_TLS where there is no certificate in it
 */
export async function trustingAgent(ca: string): Promise<Agent> {
  // One context for all connections: parsing some 150 certificates anew for each would cost more than the request.
  const secureContext = tls.createSecureContext({ ca: await trusted(ca) });
  return new Agent({ keepAlive: false, secureContext });
}

/** A list of one's own replaces the default roots, so they are in it too. */
export async function trusted(ca: string): Promise<string[]> {
  return [...defaultRoots(), ...(await certificates(ca))];
}

/** The certificates in `ca`, each as PEM. */
export async function certificates(ca: string): Promise<string[]> {
  if (ca.includes('-----BEGIN')) {
    return fromPem(ca, 'the CA field');
  }
  let content: Buffer;
  try {
    content = await readFile(ca.trim());
  } catch (error) {
    throw noCertificate(`the CA file cannot be read (${systemCode(error) ?? 'no file'})`);
  }
  const text = content.toString('latin1');
  return text.includes('-----BEGIN') ? fromPem(text, 'the CA file') : [checked(content, 'the CA file')];
}

function fromPem(text: string, where: string): string[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw noCertificate(`there is no certificate in ${where}`);
  return blocks.map((block) => checked(Buffer.from(bare(block), 'base64'), where));
}

/**
 * The base64 of a PEM block. A one-line field or an environment variable often brings it without its line ends, or with
 * them as spaces or written out; only the text between the two marks counts.
 */
function bare(block: string): string {
  return block.replace(/-----[^-]*-----/g, '').replace(/\\[rn]|\s/g, '');
}

function checked(certificate: Buffer, where: string): string {
  try {
    return new X509Certificate(certificate).toString();
  } catch {
    throw noCertificate(`what stands in ${where} is no certificate`);
  }
}

function noCertificate(message: string): Error {
  return sberError('SBER_TLS', message, { hint: CA_HINT });
}

/** Node's roots; from 22.15 on with those the user added through NODE_EXTRA_CA_CERTS or the system's store. */
function defaultRoots(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates === undefined ? tls.rootCertificates : getCACertificates('default');
}
