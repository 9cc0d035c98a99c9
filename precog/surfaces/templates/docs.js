SwaggerUIBundle({
  urls: {{ urls | tojson }},
  dom_id: "#docs",
  deepLinking: true,
  // Else the page would send the document's address to a validator elsewhere.
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
});
