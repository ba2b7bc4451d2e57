import { startSwift } from "../support/store_servers/swift.ts";
import { testRemoteStore } from "../objectstore/remote_contract.ts";

testRemoteStore("S3ObjectStore on Swift", startSwift, { hasRaces: true });
