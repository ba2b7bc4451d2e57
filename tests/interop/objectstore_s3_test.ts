import { startSeaweedFs } from "../support/store_servers/seaweedfs.ts";
import { testRemoteBackup } from "../objectstore/remote_backup.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";
import { testRemoteFaults } from "../objectstore/remote_faults.ts";
import { testS3Identity } from "../objectstore/s3_identity.ts";
import { testS3Parameters } from "../objectstore/s3_parameters.ts";
import { testS3Regions } from "../objectstore/s3_regions.ts";
import { testRemoteTls } from "../objectstore/remote_tls.ts";

const NAME = "S3ObjectStore on SeaweedFS";

const server = testRemoteStore(NAME, startSeaweedFs, { isUnordered: true });
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
testRemoteTls(NAME, server);
testS3Regions(NAME, server);
testS3Parameters(NAME, server);
testS3Identity(NAME, server);
