// Loaded into node-red-dev by scorecard.mjs. Answers its questions to the flow library's catalogue with an empty one, so that
// the outcome depends on this package alone, and sends those to the npm registry to the one that npm is configured for.
const Module = require('node:module');

const CATALOGUE = 'https://catalogue.nodered.org/catalogue.json';
const REGISTRY = 'https://registry.npmjs.org/';

const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request === 'axios' && !loaded.asked) {
    const get = loaded.get;
    loaded.asked = true;
    loaded.get = (url, ...options) =>
      url === CATALOGUE
        ? Promise.resolve({ data: { modules: [] } })
        : get.call(loaded, url.replace(REGISTRY, process.env.SCORECARD_REGISTRY || REGISTRY), ...options);
  }
  return loaded;
};
