/** A proxy on this machine: tunnels for https, passing on for http, with or without a login. Every name leads to 127.0.0.1. */
import * as http from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface TestProxy {
  /** Without the login. */
  url: string;
  /** What it was asked, `CONNECT cloud.example:443` or `GET http://127.0.0.1:1/`. */
  asked: string[];
  /** Answers everything with this status. */
  refuse(status: number): void;
  close(): Promise<void>;
}

export async function startProxy(login?: string): Promise<TestProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let refusal: number | undefined;
  const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
  const statusFor = (request: http.IncomingMessage): number | undefined => {
    asked.push(`${request.method} ${request.url}`);
    if (refusal !== undefined) return refusal;
    return request.headers['proxy-authorization'] === expected ? undefined : 407;
  };
  const server = http.createServer((request, response) => {
    const status = statusFor(request);
    if (status !== undefined) {
      response.writeHead(status, { 'Proxy-Authenticate': 'Basic' }).end('<h1>proxy</h1>');
      return;
    }
    const headers = { ...request.headers };
    delete headers['proxy-authorization'];
    const onwards = http.request(new URL(request.url ?? ''), { method: request.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => response.writeHead(502).end());
    request.pipe(onwards);
  });
  server.on('connect', (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    const status = statusFor(request);
    client.on('error', () => undefined);
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 3\r\n\r\nNo!`);
      return;
    }
    const port = Number(/:(\d+)$/.exec(request.url ?? '')?.[1]);
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(client).pipe(target);
    });
    target.on('error', () => client.destroy());
    client.on('close', () => target.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    refuse: (status) => {
      refusal = status;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
