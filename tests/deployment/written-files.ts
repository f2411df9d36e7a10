/** Documents with a text in them, as programs write them: PDF, and the Office Open XML of a word processor. */
import { crc32 } from "node:zlib";

/** One page of PDF that shows a text. Source: ISO 32000-1, annex H.3, "Simple text string example". */
export function pdfOf(text: string): Buffer {
    const page = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
    const objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        `<< /Length ${page.length} >>\nstream\n${page}\nendstream`,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ];
    let written = "%PDF-1.4\n";
    const places = objects.map((object, at) => {
        const place = written.length;
        written += `${at + 1} 0 obj\n${object}\nendobj\n`;
        return `${String(place).padStart(10, "0")} 00000 n \n`;
    });
    const end = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${written.length}\n%%EOF\n`;
    return Buffer.from(`${written}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join("")}${end}`, "latin1");
}

/** A zip archive whose files are stored as they are. Source: PKWARE's APPNOTE.TXT, 4.3. */
function zipOf(files: Readonly<Record<string, string>>): Buffer {
    const [locals, central]: [Buffer[], Buffer[]] = [[], []];
    let place = 0;
    for (const [name, text] of Object.entries(files)) {
        const [path, content] = [Buffer.from(name), Buffer.from(text)];
        const about = Buffer.alloc(26);
        about.writeUInt16LE(20, 0);
        about.writeUInt32LE(crc32(content), 10);
        about.writeUInt32LE(content.length, 14);
        about.writeUInt32LE(content.length, 18);
        about.writeUInt16LE(path.length, 22);
        const local = Buffer.concat([Buffer.from("PK\x03\x04"), about, path, content]);
        const entry = Buffer.alloc(14);
        entry.writeUInt32LE(place, 10);
        central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), about, entry, path]));
        locals.push(local);
        place += local.length;
    }
    const directory = Buffer.concat(central);
    const end = Buffer.alloc(18);
    end.writeUInt16LE(central.length, 4);
    end.writeUInt16LE(central.length, 6);
    end.writeUInt32LE(directory.length, 8);
    end.writeUInt32LE(place, 12);
    return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]);
}

/** The least that a word processor opens. Source: ECMA-376, part 1, "WordprocessingML". */
export function docxOf(text: string): Buffer {
    const formats = "http://schemas.openxmlformats.org";
    const office = "application/vnd.openxmlformats";
    return zipOf({
        "[Content_Types].xml":
            `<Types xmlns="${formats}/package/2006/content-types">` +
            `<Default Extension="rels" ContentType="${office}-package.relationships+xml"/>` +
            `<Override PartName="/word/document.xml" ContentType="${office}-officedocument.wordprocessingml.document.main+xml"/></Types>`,
        "_rels/.rels":
            `<Relationships xmlns="${formats}/package/2006/relationships"><Relationship Id="r1" ` +
            `Type="${formats}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
        "word/document.xml":
            `<w:document xmlns:w="${formats}/wordprocessingml/2006/main">` +
            `<w:body><w:p><w:r><w:t>${text}</w:t></w:r></w:p></w:body></w:document>`,
    });
}
