import { startAzurite } from "../support/store_servers/azurite.ts";
import { testRemoteBackup } from "./remote_backup.ts";
import { testRemoteStore } from "./remote_contract.ts";
import { testRemoteFaults } from "./remote_faults.ts";
import { testRemoteTls } from "./remote_tls.ts";

const NAME = "AzureObjectStore on Azurite";

const server = testRemoteStore(NAME, startAzurite);
testRemoteFaults(NAME, server, {
  hashesRanges: true,
  expired: {
    kind: "status",
    status: 401,
    headers: { "x-ms-error-code": "InvalidAuthenticationInfo" },
    body:
      "<Error><Code>InvalidAuthenticationInfo</Code><Message>Lifetime validation failed.</Message></Error>",
  },
});
testRemoteBackup(NAME, server);
testRemoteTls(NAME, server);
