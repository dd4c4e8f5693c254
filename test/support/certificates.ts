/**
 * A private certificate authority made when a test runs, with nothing but Node.js: no openssl, no file that expires.
 * X.509 by hand, as little of it as TLS needs.
 */
import { createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** A server certificate for this name, or this IPv4 address. */
  issue(host: string, validity?: { from: Date; to: Date }): Certificate;
}

/** ASN.1 DER: tag, length, content. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...items: Buffer[]): Buffer => der(0x30, ...items);
const set = (...items: Buffer[]): Buffer => der(0x31, ...items);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const octets = (content: Buffer): Buffer => der(0x04, content);
const yes = der(0x01, Buffer.from([0xff]));
const time = (date: Date): Buffer =>
  der(0x18, Buffer.from(`${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`));

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const COMMON_NAME = oid('550403');
const BASIC_CONSTRAINTS = oid('551d13');
const SUBJECT_ALT_NAME = oid('551d11');
const YEAR_MS = 365 * 24 * 3600 * 1000;

const named = (name: string): Buffer => sequence(set(sequence(COMMON_NAME, utf8(name))));

function altName(host: string): Buffer {
  const address = host.split('.').map(Number);
  const isAddress = address.length === 4 && address.every((part) => part >= 0 && part < 256);
  return isAddress ? der(0x87, Buffer.from(address)) : der(0x82, Buffer.from(host));
}

function certificate(
  subject: string,
  subjectKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  extension: Buffer,
  { from, to }: { from: Date; to: Date },
): string {
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(8)]);
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ECDSA_SHA256,
    named(issuer),
    sequence(time(from), time(to)),
    named(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const signature = createSign('sha256').update(toBeSigned).sign(issuerKey);
  const whole = sequence(toBeSigned, ECDSA_SHA256, bits(signature)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${whole.replace(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`;
}

export function privateAuthority(name = 'Test Root'): Authority {
  const root = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const always = { from: new Date(now - YEAR_MS), to: new Date(now + YEAR_MS) };
  const isAuthority = sequence(BASIC_CONSTRAINTS, yes, octets(sequence(yes)));
  const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
  return {
    cert: certificate(name, root.publicKey, name, root.privateKey, isAuthority, always),
    key: pem(root.privateKey),
    issue: (host, validity = always) => {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = sequence(SUBJECT_ALT_NAME, octets(sequence(altName(host))));
      return {
        cert: certificate(host, leaf.publicKey, name, root.privateKey, names, validity),
        key: pem(leaf.privateKey),
      };
    },
  };
}
