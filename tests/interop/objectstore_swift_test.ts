import { startSwift } from "../support/store_servers/swift.ts";
import { testRemoteBackup } from "../objectstore/remote_backup.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";
import { testRemoteFaults } from "../objectstore/remote_faults.ts";

const NAME = "S3ObjectStore on Swift";

const server = testRemoteStore(NAME, startSwift, { hasRaces: true });
testRemoteFaults(NAME, server, {
  hashesRanges: false,
  expired: {
    kind: "status",
    status: 400,
    headers: { "content-type": "application/xml" },
    body:
      "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>",
  },
});
testRemoteBackup(NAME, server);
