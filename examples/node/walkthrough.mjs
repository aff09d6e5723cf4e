// Two members, a referral that becomes business, a testimonial, and both scores.
//
//   npm ci && node walkthrough.mjs [HOST:PORT]
//
// Needs a running `refnet serve`. On a server without a network it charters one; otherwise it adds a
// chapter of its own. It knows nothing but the files under protos/.
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const target = process.argv[2] ?? "127.0.0.1:50051";
const protos = join(dirname(fileURLToPath(import.meta.url)), "../../protos");
const services = ["network", "chapter", "member", "meeting", "referral", "testimonial", "score"];
const { v1 } = grpc.loadPackageDefinition(
  loader.loadSync(
    services.map((name) => `refnet/v1/${name}_service.proto`),
    { includeDirs: [protos], keepCase: true, longs: Number, enums: String },
  ),
).refnet;

const clients = new Map();

// Calls `Service.Method` and gives every write a request id, so that it could be sent again.
function call(service, method, request) {
  if (!clients.has(service)) {
    clients.set(service, new v1[`${service}Service`](target, grpc.credentials.createInsecure()));
  }
  const body = /^(Get|List)/.test(method) ? request : { request_id: randomUUID(), ...request };
  const options = { deadline: Date.now() + 10_000 };
  return new Promise((resolve, reject) => {
    clients.get(service)[method](body, options, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

try {
  await call("Network", "CharterNetwork", { name: "Berlin" });
} catch (error) {
  if (!error.details.includes("already holds")) throw error;
}
const { chapter } = await call("Chapter", "CharterChapter", {
  name: `Spree ${randomUUID().slice(0, 4)}`,
  city: "Berlin",
  country: "DE",
  time_zone: "Europe/Berlin",
  currency: "EUR",
});
const enrol = async (name, classification) => {
  const { member } = await call("Member", "ApplyForMembership", { chapter, classification, name });
  await call("Member", "DecideApplication", { member, admitted: true });
  await call("Member", "InductMember", { member });
  return member;
};
const ann = await enrol("Ann", "baker");
const bob = await enrol("Bob", "lawyer");

// The date at the chapter's place; Swedes write it as ISO does.
const date = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
const { meeting } = await call("Meeting", "HoldMeeting", { chapter, date });
const attendances = [ann, bob].map((member) => ({ member, mark: "MARK_PRESENT" }));
await call("Meeting", "MarkAttendance", { meeting, attendances });

const { referral } = await call("Referral", "PassReferral", {
  giver: ann,
  receiver: bob,
  heat: 4,
  prospect_name: "Cafe Zander",
});
const acting_member = bob;
await call("Referral", "AcceptReferral", { referral, acting_member });
await call("Referral", "ContactProspect", { referral, acting_member });
await call("Referral", "WinReferral", { referral, acting_member });
await call("Referral", "CloseBusiness", {
  referral,
  acting_member,
  amount: 150_000,
  currency: "EUR",
});
const { recorded_at } = await call("Testimonial", "GiveTestimonial", {
  author: bob,
  subject: ann,
  rating: 9,
  text: "She knows everybody.",
});

for (const [name, member] of [["Ann", ann], ["Bob", bob]]) {
  const consistency = { at_least_as_fresh: recorded_at };
  const { score } = await call("Score", "GetScore", { member, consistency });
  console.log(`${name}: ${score.score.toFixed(4)}, of that for trust ${score.trust.toFixed(4)}`);
}
for (const client of clients.values()) client.close();
