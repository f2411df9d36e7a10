/**
 * How oCIS finds files by the words in them: Apache Tika reads them, oCIS keeps them in an index. Source: oCIS 4.0.5 to 8.2.0,
 * services/search; run with 7.0.0 and 8.2.0 (tests/deployment/search-text.test.ts). Pure.
 */

/** Tika on the network that it shares with oCIS. */
export const TIKA = { host: "tika", port: 9998 } as const;

/** The network, which has no way to the outside. */
export const TIKA_NETWORK = "tika-network";

const URL = `http://${TIKA.host}:${TIKA.port}`;

/**
 * The index with the words, below oCIS's data: not the one that there is without them. oCIS reads no file again that stands in its index, so
 * what was there before would never be found by its words. Source: services/search/pkg/search/service.go, IndexSpace.
 */
const FOLDER = "search-text";

/** oCIS's environment. */
export function searchEnvironment(fullTextSearch: boolean, data: string): Record<string, string> {
    return fullTextSearch
        ? {
              SEARCH_EXTRACTOR_TYPE: "tika",
              SEARCH_EXTRACTOR_TIKA_TIKA_URL: URL,
              SEARCH_ENGINE_BLEVE_DATA_PATH: `${data}/${FOLDER}`,
              FRONTEND_FULL_TEXT_SEARCH_ENABLED: "true",
          }
        : {};
}

/** Seconds that oCIS waits for Tika before it starts without it: after a start of the machine, where both start at once. */
const PATIENCE = 60;

/**
 * What a shell does before it starts oCIS. oCIS asks Tika once, when it starts, and all of it ends where there is no answer: nobody would have
 * a cloud for want of a search. Then it does without until its next start. Source: oCIS 8.2.0, services/search/pkg/content/tika.go and
 * ocis/pkg/runtime/service/service.go ("tolerance"); run with 8.2.0.
 */
export function searchScript(fullTextSearch: boolean): string {
    return fullTextSearch
        ? `
end=$(($(date +%s) + ${PATIENCE}))
until busybox timeout 3 busybox wget -q -O /dev/null ${URL}/version 2>/dev/null; do
    if [ $(date +%s) -ge $end ]; then
        echo "Tika does not answer: until the next start files are found by their names alone." >&2
        export SEARCH_EXTRACTOR_TYPE=basic FRONTEND_FULL_TEXT_SEARCH_ENABLED=false
        unset SEARCH_ENGINE_BLEVE_DATA_PATH
        break
    fi
    sleep 1
done
`.trimStart()
        : "";
}
