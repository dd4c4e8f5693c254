/** The client of the vendors' clouds, which says whether a call is under way, so that a test lets no time pass meanwhile. */
import { createApiClient, type ApiAnswer, type ApiCall, type ApiClient } from '../../src/common/api-client';
import type { Clock } from '../../src/common/clock';

export class WatchedApi implements ApiClient {
  private readonly api: ApiClient;
  private underWay = 0;

  constructor(clock: Clock) {
    this.api = createApiClient({ clock });
  }

  get busy(): boolean {
    return this.underWay > 0;
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    this.underWay += 1;
    try {
      return await this.api.call(call);
    } finally {
      this.underWay -= 1;
    }
  }
}
