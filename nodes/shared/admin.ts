/**
 * How the package answers the editor's dialogs: JSON, never cached, an error of ours as an answer too, and only to pages of
 * this Node-RED.
 */
import type { Request, Response } from 'express';
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import { isRecord } from '../../src/common/json';
import { asCoded } from './errors';

const PREFIX = '/thekeys-gateway';

export type Body = Record<string, unknown>;
/** The signal is aborted when the dialog is closed. */
type Work = (request: Request, signal: AbortSignal) => Promise<object>;

/** Answers to those who may read this node type. */
export function onGet(RED: NodeAPI, permission: string, path: string, work: Work): void {
  RED.httpAdmin.get(PREFIX + path, RED.auth.needsPermission(permission), handlerOf(work));
}

/** Answers to those who may change this node type. */
export function onPost(
  RED: NodeAPI,
  permission: string,
  path: string,
  work: (body: Body, signal: AbortSignal) => Promise<object>,
): void {
  const answer = handlerOf(({ body }, signal) => work(isRecord(body) ? body : {}, signal));
  RED.httpAdmin.post(PREFIX + path, RED.auth.needsPermission(permission), (request, response) => {
    const refusal = refusalOf(request);
    if (refusal === undefined) answer(request, response);
    else response.status(refusal.status).json({ error: { code: 'INVALID_INPUT', message: refusal.message, hint: '' } });
  });
}

/**
 * Without `adminAuth` any page that a browser shows could ask here: Node-RED lets every origin read the answers of its
 * admin side. A form of another page cannot send JSON, and a script of another page says where it comes from.
 */
function refusalOf(request: Request): { status: number; message: string } | undefined {
  if (request.is('application/json') === false) return { status: 415, message: 'send JSON' };
  const site = request.get('sec-fetch-site');
  const isForeign = site === undefined ? isOtherHost(request) : site !== 'same-origin' && site !== 'none';
  return isForeign ? { status: 403, message: 'only a page of this Node-RED may ask this' } : undefined;
}

function isOtherHost(request: Request): boolean {
  const origin = request.get('origin');
  if (origin === undefined) return false;
  const hosts = [request.get('host'), ...(request.get('x-forwarded-host') ?? '').split(',')];
  return !URL.canParse(origin) || !hosts.map((host) => host?.trim()).includes(new URL(origin).host);
}

function handlerOf(work: Work): (request: Request, response: Response) => void {
  return (request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort(invalidInput('the dialog was closed')));
    response.set('Cache-Control', 'no-store');
    const answer = async (): Promise<object> => work(request, gone.signal);
    answer().then(
      (answer) => response.json(answer),
      (thrown: unknown) => {
        const { code, message, cause, badge } = asCoded(thrown);
        response.json({ error: { code, about: badge, message: foreignText(message), hint: cause.hint } });
      },
    );
  };
}
