import { startFakeGcs } from "../support/store_servers/fake_gcs.ts";
import { testRemoteBackup } from "../objectstore/remote_backup.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";
import { testRemoteFaults } from "../objectstore/remote_faults.ts";
import { testRemoteTls } from "../objectstore/remote_tls.ts";

const NAME = "GcsObjectStore on fake-gcs-server";

const server = testRemoteStore(NAME, startFakeGcs, { isOpen: true });
testRemoteFaults(NAME, server, {
  hashesRanges: false,
  expired: {
    kind: "status",
    status: 401,
    headers: { "content-type": "application/json" },
    body:
      '{"error":{"code":401,"message":"Invalid Credentials","errors":[{"reason":"authError"}]}}',
  },
});
testRemoteBackup(NAME, server);
testRemoteTls(NAME, server, { hasPlainSessions: true });
