import { startFakeGcs } from "../support/store_servers/fake_gcs.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";

testRemoteStore("GcsObjectStore on fake-gcs-server", startFakeGcs, { isOpen: true });
