/**
 * TLS in front of a server of tests, with certificates of authorities that nobody else knows.
 *
 * @module
 */
import { connect, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:tls";
import { installDebian } from "./store_servers/install.ts";

/** A private key and its certificate, PEM. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
  /** File of the certificate. */
  readonly file: string;
}

async function openssl(args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function readPair(path: string): KeyPair {
  return {
    key: Deno.readTextFileSync(`${path}.key`),
    certificate: Deno.readTextFileSync(`${path}.pem`),
    file: `${path}.pem`,
  };
}

/** A certificate authority. */
export class TestAuthority {
  readonly #path: string;
  readonly pair: KeyPair;

  private constructor(path: string) {
    this.#path = path;
    this.pair = readPair(path);
  }

  /** Makes an authority whose files lie in a directory. */
  static async make(directory: string, name: string): Promise<TestAuthority> {
    await installDebian(["openssl"], "/usr/bin/openssl");
    const path = `${directory}/${name}`;
    await openssl([
      "req",
      "-x509",
      ...EC_KEY,
      ...["-keyout", `${path}.key`, "-out", `${path}.pem`, "-days", "3650"],
      ...["-subj", `/CN=${name}`],
      ...["-addext", "basicConstraints=critical,CA:TRUE"],
      ...["-addext", "keyUsage=critical,keyCertSign"],
    ]);
    return new TestAuthority(path);
  }

  /** Issues a server's certificate. @param subject as OpenSSL writes it, e.g. `IP:127.0.0.1`. */
  async issue(name: string, subject: string): Promise<KeyPair> {
    const path = `${this.#path}-${name}`;
    await openssl([
      "req",
      ...EC_KEY,
      ...["-keyout", `${path}.key`, "-out", `${path}.csr`, "-subj", `/CN=${name}`],
    ]);
    Deno.writeTextFileSync(
      `${path}.ext`,
      `subjectAltName=${subject}\nbasicConstraints=CA:FALSE\n`,
    );
    await openssl([
      ...["x509", "-req", "-in", `${path}.csr`, "-days", "3650", "-CAcreateserial"],
      ...["-CA", `${this.#path}.pem`, "-CAkey", `${this.#path}.key`],
      ...["-extfile", `${path}.ext`, "-out", `${path}.pem`],
    ]);
    return readPair(path);
  }
}

/** Ends TLS at a loopback port and passes the bytes on, unread. */
export class TlsFront implements AsyncDisposable {
  readonly port: number;
  /** Bytes that a client has sent through. */
  receivedBytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, upstreamPort: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket: Socket) => this.#track(socket));
    server.on("tlsClientError", () => undefined); // the client hung up: that is what some tests want
    server.on("secureConnection", (client) => {
      const upstream = connect(upstreamPort, "127.0.0.1");
      this.#track(upstream);
      this.#track(client);
      client.on("data", (chunk) => {
        this.receivedBytes += chunk.length;
      });
      client.pipe(upstream).pipe(client);
    });
  }

  /** Starts a front of a loopback port. */
  static async start(upstreamPort: number, pair: KeyPair): Promise<TlsFront> {
    const server = createServer({ key: pair.key, cert: pair.certificate });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    return new TlsFront(server, upstreamPort);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
