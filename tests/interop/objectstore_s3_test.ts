import { startSeaweedFs } from "../support/store_servers/seaweedfs.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";

testRemoteStore("S3ObjectStore on SeaweedFS", startSeaweedFs, { isUnordered: true });
