// Reads entities as a Backstage catalogue does, with its own policies and validators: JSON in, a line of JSON each out.
const model = require("@backstage/catalog-model");
const { templateEntityV1beta3Validator } = require("@backstage/plugin-scaffolder-common");

const kinds = [model.componentEntityV1alpha1Validator, templateEntityV1beta3Validator];
const policies = model.EntityPolicies.allOf([
  new model.SchemaValidEntityPolicy(),
  new model.DefaultNamespaceEntityPolicy(),
  new model.NoForeignRootFieldsEntityPolicy(),
  new model.FieldFormatEntityPolicy(),
]);

async function told(entity) {
  try {
    await policies.enforce(entity);
    const taken = await Promise.all(kinds.map(kind => kind.check(entity)));
    return taken.some(Boolean) ? "" : "no kind of entity that this reader knows";
  } catch (error) {
    return String(error.message || error);
  }
}

let text = "";
process.stdin.on("data", part => (text += part));
process.stdin.on("end", async () => {
  for (const entity of JSON.parse(text)) console.log(JSON.stringify(await told(entity)));
});
