/**
 * What the editor asks the runtime about Sber: the catalogue from which models are built, and the models that an account
 * has already. For people who may read flows; the key stays here.
 */
import type { NodeAPI } from 'node-red';
import { CodedError } from '../../src/common/errors';
import { CATALOGUE_SOURCE, CATEGORIES, FUNCTIONS } from '../../src/sber/catalogue';
import { SberAccount } from '../../src/sber/account';
import type { SberConfigNode } from './sber';

/** Registers the admin routes, once for the package. */
export function serveSberEditor(RED: NodeAPI): void {
  const readers = RED.auth.needsPermission('sber-models.read');

  RED.httpAdmin.get('/thekeys-gateway/sber/catalogue', readers, (_request, response) => {
    response.json({ categories: CATEGORIES, functions: FUNCTIONS, source: CATALOGUE_SOURCE });
  });

  RED.httpAdmin.get('/thekeys-gateway/sber/models/:account', readers, (request, response) => {
    const { account: id } = request.params;
    const { account } = (RED.nodes.getNode(String(id)) as Partial<SberConfigNode> | null) ?? {};
    // An account that was never deployed, or the id of a node that is none.
    if (!(account instanceof SberAccount)) {
      response.status(404).json({ code: 'NOT_DEPLOYED' });
      return;
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the editor no longer waits')));
    account
      .inTurn('models', gone.signal, (client) => client.listModels({ signal: gone.signal }))
      .then(
        (models) => response.json({ models }),
        (error: unknown) => {
          if (!gone.signal.aborted) {
            response.status(502).json({ code: error instanceof CodedError ? (error as CodedError).code : 'failed' });
          }
        },
      )
      .catch(() => undefined);
  });
}
