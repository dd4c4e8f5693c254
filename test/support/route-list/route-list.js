// A Node-RED plugin for tests: GET /route-list tells every route of the admin API, so that none escapes being tried.
module.exports = (RED) => {
  RED.httpAdmin.get('/route-list', (request, response) => {
    const routes = [];
    const walk = (stack) => {
      for (const layer of stack) {
        if (layer.route) {
          for (const method of Object.keys(layer.route.methods)) {
            for (const path of [layer.route.path].flat())
              routes.push({ method: method.toUpperCase(), path: String(path) });
          }
        } else if (layer.handle?.stack) walk(layer.handle.stack);
        else if (layer.handle?._router?.stack) walk(layer.handle._router.stack);
      }
    };
    walk(RED.httpAdmin._router.stack);
    response.json(routes);
  });
};
