/**
 * What people's clients do all day, through our edge: beside a bare Caddy in its place, which shows what the edge's own rules cost, and
 * beside oCIS itself, which shows what TLS costs and the way from the host's loopback into a container.
 */
import { ME } from "../../client/relying-party";
import { Cloud, usersCalled } from "../deployment/cloud";
import { docker } from "../deployment/stack";
import { alone, Comparison, Opened, secondsOf } from "./measure";
import { PLAIN_ADDRESS, startPlainEdge } from "./plain-edge";
import { PEOPLE, signInComparisons } from "./sign-ins";
import { Way } from "./way";

/** Who sends everything. */
const SENDER = "sender";

/** What the cloud's settings have to say: who is there, and that codes enough for all sign-ins may come from one address. */
export const TRAFFIC_SETTINGS = { users: usersCalled([SENDER, ...PEOPLE]), peopleAtOneAddress: 4 * PEOPLE.length };

/** Sizes, bytes. */
const LARGE = 2 ** 30;
const BY_TUS = 2 ** 28;
const SMALL = 10_000;

/** Files in a folder. */
const MANY = 1000;

/** How often the folder is listed, and how often is asked who asks. */
const LISTINGS = 5;
const QUESTIONS = 2000;

/** Of the rate of a bare Caddy. */
const AIM = { atLeast: 0.95 };

const MEGABYTE = 1e6;

/** What is done along a way. Only the work is measured; what comes before and after goes straight to oCIS. */
interface Work extends Pick<Comparison, "key" | "what" | "unit" | "rounds"> {
    readonly before?: () => Promise<unknown>;
    readonly work: (way: Way) => Promise<void>;
    readonly after?: () => Promise<unknown>;
    /** How much of the unit it does. */
    readonly amount: number;
}

/** Does some work when it is asked for first, and never again. */
function once(work: () => Promise<void>): () => Promise<void> {
    let done: Promise<void> | undefined;
    return () => (done ??= work());
}

/** Everything that is measured in somebody's space. */
function works(straight: Way, space: string): Work[] {
    const folder = `/remote.php/dav/spaces/${space}`;
    const in_ = (name: string) => `${folder}/${name}`;
    const fill = (way: Way, name: string) => way.each(MANY, (index) => way.put(in_(`${name}/${index}.bin`), SMALL));
    const make = (name: string) => straight.expect(201, "MKCOL", in_(name));
    /** Deletes it, from the trash too, or the disk would fill. */
    const remove = async (name: string) => {
        await straight.expect(204, "DELETE", in_(name));
        await straight.expect(204, "DELETE", `/remote.php/dav/spaces/trash-bin/${space}`);
    };
    const removeFile = async (name: string) => {
        await straight.processed(in_(name));
        await remove(name);
    };
    return [
        {
            key: "put",
            what: "a file of 1 GiB written by PUT",
            unit: "MB/s",
            work: (way) => way.put(in_("put.bin"), LARGE),
            after: () => removeFile("put.bin"),
            amount: LARGE / MEGABYTE,
        },
        {
            key: "get",
            what: "a file of 1 GiB read",
            unit: "MB/s",
            before: once(async () => {
                await straight.put(in_("get.bin"), LARGE);
                await straight.processed(in_("get.bin"));
            }),
            work: (way) => way.expect(200, "GET", in_("get.bin")),
            amount: LARGE / MEGABYTE,
        },
        {
            key: "tus",
            what: "a file of 256 MiB written by tus",
            unit: "MB/s",
            work: (way) => way.tus(folder, "tus.bin", BY_TUS),
            after: () => removeFile("tus.bin"),
            amount: BY_TUS / MEGABYTE,
        },
        {
            key: "small-files",
            what: "1,000 files of 10 kB written, 8 at a time",
            unit: "files/s",
            rounds: 2, // of a minute each
            before: () => make("small"),
            work: (way) => fill(way, "small"),
            after: async () => {
                await straight.each(MANY, (index) => straight.processed(in_(`small/${index}.bin`)));
                await remove("small");
            },
            amount: MANY,
        },
        {
            key: "listing",
            what: "a folder of 1,000 files listed",
            unit: "requests/s",
            before: once(async () => {
                await make("listed");
                await fill(straight, "listed");
            }),
            work: async (way) => {
                for (let listing = 0; listing < LISTINGS; listing++) {
                    await way.expect(207, "PROPFIND", in_("listed"), { depth: "1" });
                }
            },
            amount: LISTINGS,
        },
        {
            key: "me",
            what: "2,000 requests to /graph/v1.0/me, 8 at a time",
            unit: "requests/s",
            work: (way) => way.each(QUESTIONS, () => way.expect(200, "GET", ME)),
            amount: QUESTIONS,
        },
    ];
}

/** A work as a side of a comparison. */
const side = ({ before, work, after, amount }: Work, way: Way) => ({
    name: way.name,
    measure: async () => {
        await before?.();
        const seconds = await secondsOf(() => work(way));
        await after?.();
        return amount / seconds;
    },
});

/** Where a container answers on the engine's bridge. On Linux the host reaches it there. */
async function bridgeAddress(container: string): Promise<string> {
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    return docker("inspect", "--format", format, container);
}

/** The traffic of a cloud that is up with TRAFFIC_SETTINGS. What was started for it has to end before the cloud is taken down. */
export async function traffic(cloud: Cloud): Promise<Opened> {
    await cloud.enrol([SENDER]);
    const session = await cloud.signIn(cloud.credentials(SENDER));
    const drives = JSON.parse((await session.ask(`${ME}/drives`)).text) as { value: { id: string; driveType: string }[] };
    const space = drives.value.find(({ driveType }) => driveType === "personal")!.id;

    const stopPlainEdge = await startPlainEdge(cloud);
    const bridge = `http://${await bridgeAddress(`${cloud.stack.prefix}ocis`)}:9200`;
    const common = { ca: cloud.ca, authorization: session.authorization };
    const edge = new Way({ ...common, name: "through our edge", url: cloud.url });
    const plain = new Way({ ...common, name: "through a bare Caddy", url: cloud.url, loopback: PLAIN_ADDRESS });
    const straight = new Way({ ...common, name: "at oCIS itself, by plain HTTP on the engine's bridge", url: bridge });
    const transfers = works(straight, space).flatMap((work): Comparison[] => {
        const { key, what, unit, rounds } = work;
        const ours = side(work, edge);
        return [
            { key: `traffic:${key}-bare`, what, unit, ours, beside: side(work, plain), aim: AIM, rounds },
            { key: `traffic:${key}-straight`, what, unit, ours, beside: side(work, straight), rounds: 1 },
        ];
    });
    return {
        courses: [...transfers, ...(await signInComparisons(cloud))].map(alone),
        close: async () => {
            await Promise.all([edge, plain, straight].map((way) => way.close()));
            await stopPlainEdge();
        },
    };
}
