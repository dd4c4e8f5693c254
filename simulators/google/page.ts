/**
 * The demo's page: a conversation with the stand-in for Google, one click a phrase, the dialogue on one side and its JSON
 * on the other. It is served by the stand-in on a loopback port of its own, and never by an installed package.
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GoogleSettings } from './google';
import { Conversation } from './conversation';
import { HomeGraphStandIn } from './home-graph';
import { conversationPage } from './page-html';
import { ENOUGH } from '../latest';

export interface StandInOptions extends GoogleSettings {
  /** The login that the stand-in types on the login page. */
  user: string;
  password: string;
  /** The page's port; 0 or absent: any. */
  port?: number;
}

export interface RunningStandIn {
  /** The page. */
  url: string;
  /** For the account's `homeGraphEndpoint`. */
  homeGraphEndpoint: string;
  /** For the account's credential `serviceAccountKey`. */
  serviceAccountKey: string;
  conversation: Conversation;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 4096;

/** Starts the stand-in with its Home Graph and its page. The account is linked when the page is first opened. */
export async function startGoogleStandIn(options: StandInOptions): Promise<RunningStandIn> {
  const { user, password, port = 0, ...settings } = options;
  const homeGraph = await new HomeGraphStandIn().start();
  homeGraph.most = ENOUGH;
  const conversation = new Conversation(settings, homeGraph, { user, password });
  const listeners = new Set<http.ServerResponse>();
  const server = http.createServer((req, res) => {
    void serve(conversation, listeners, req, res).catch(() => res.destroy());
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch (error) {
    await homeGraph.close();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    homeGraphEndpoint: homeGraph.endpoint,
    serviceAccountKey: homeGraph.serviceAccountKey(),
    conversation,
    close: async () => {
      for (const listener of listeners) listener.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await homeGraph.close();
    },
  };
}

async function serve(
  conversation: Conversation,
  listeners: Set<http.ServerResponse>,
  req: http.IncomingMessage,
  res: http.ServerResponse,
): Promise<void> {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('X-Content-Type-Options', 'nosniff');
  // Another name for this machine is how a foreign web page would reach it.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(req.headers.host ?? '')) {
    res.writeHead(403).end();
    return;
  }
  switch (`${req.method ?? ''} ${req.url ?? ''}`) {
    case 'GET /': {
      const nonce = randomBytes(16).toString('base64');
      res.setHeader(
        'Content-Security-Policy',
        `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      res.setHeader('Content-Type', 'text/html;charset=UTF-8');
      res.end(conversationPage(nonce));
      return;
    }
    case 'GET /events':
      follow(conversation, listeners, res);
      return;
    case 'POST /say': {
      const phrase = await phraseOf(req);
      if (phrase === undefined) {
        res.writeHead(400).end();
        return;
      }
      await conversation.say(phrase);
      res.writeHead(204).end();
      return;
    }
    case 'POST /unlink':
      if (!isJson(req)) {
        res.writeHead(400).end();
        return;
      }
      req.resume();
      await conversation.unlink();
      res.writeHead(204).end();
      return;
    default:
      res.writeHead(404).end();
  }
}

/** The transcript so far and everything that comes, as server-sent events. */
function follow(conversation: Conversation, listeners: Set<http.ServerResponse>, res: http.ServerResponse): void {
  res.setHeader('Content-Type', 'text/event-stream');
  res.flushHeaders();
  const send = (event: string, data: unknown): void => {
    res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  send('transcript', conversation.lines);
  send('situation', conversation.situation);
  const stop = conversation.listen((line) => {
    if (line !== undefined) send('line', line);
    send('situation', conversation.situation);
  });
  listeners.add(res);
  res.on('close', () => {
    stop();
    listeners.delete(res);
  });
  void conversation.open();
}

/** A page of another site can post text, but not JSON, without asking first. */
function isJson(req: http.IncomingMessage): boolean {
  return (req.headers['content-type'] ?? '').startsWith('application/json');
}

async function phraseOf(req: http.IncomingMessage): Promise<string | undefined> {
  if (!isJson(req)) return undefined;
  let text = '';
  for await (const chunk of req as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > MAX_BODY_BYTES) return undefined;
  }
  try {
    const { phrase } = JSON.parse(text) as { phrase?: unknown };
    return typeof phrase === 'string' && phrase.trim() !== '' ? phrase.trim().slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}
