import { startAzurite } from "../support/store_servers/azurite.ts";
import { testRemoteStore } from "./remote_contract.ts";

testRemoteStore("AzureObjectStore on Azurite", startAzurite);
