// What to fetch, where to, and what it has to be.
#include <CLI/CLI.hpp>

#include "get/arguments.hpp"
#include "get/options.hpp"

namespace tool {

void add_input_options(CLI::App& to, get_arguments& asked) {
    to.add_option("URL", asked.urls,
                  "What to fetch, http:// or https://; [1-9], [a-z] and {one,two} in it stand for many. A local file NAME.meta4 is read as with --metalink")
        ->option_text("...");

    const auto group = "Input";
    to.add_option("-i,--input", asked.lists,
                  "Read more URLs from a file, one a line ('#' begins a comment), with options as in aria2's input files, or JSON lines; '-': standard input, "
                  "whose files are begun while it is open. May be given again")
        ->option_text("FILE")
        ->allow_extra_args(false)
        ->group(group);
    to.add_option("--input-format", asked.input_format, "What the lists are: auto (JSON lines if the name ends with .json or .jsonl, or the first line begins with '{'), lines, json")
        ->option_text("auto|lines|json")
        ->group(group);
    to.add_option("--metalink", asked.metalinks, "Fetch what a Metalink document names, a file or a URL; every file in it is verified. May be given again")
        ->option_text("FILE|URL")
        ->allow_extra_args(false)
        ->group(group);
    to.add_option("--mirror", asked.mirrors, "The same file is at this URL as well; for a single file. May be given again")
        ->option_text("URL")
        ->allow_extra_args(false)
        ->group(group);
    to.add_flag("--no-glob", asked.no_glob, "Brackets and braces in URLs stand for themselves")->group(group);
}

void add_file_options(CLI::App& to, get_arguments& asked) {
    const auto group = "Files";
    to.add_option("-d,--directory", asked.directory, "Save into this directory, made if it is not there (default: .)")->option_text("DIR")->group(group);
    to.add_option("-o,--output", asked.output, "Save under this name; for a single URL, or with #1, #2 for what its patterns stand for")
        ->option_text("FILE")
        ->group(group);
    to.add_option("--existing", asked.existing_text,
                  "A file of that name is there: overwrite it when the new one is complete, skip it, overwrite it if the server's is newer, or fail (default overwrite)")
        ->option_text("overwrite|skip|if-newer|fail")
        ->group(group);
    to.add_flag("--content-disposition", asked.content_disposition, "Save under the name that the server gives, made safe")->group(group);
    to.add_flag("--mirror-path", asked.mirror_path, "Save under HOST/PATH as in the URL, made safe")->group(group);
    to.add_flag("--resume,!--no-resume", asked.resume,
                "Keep what has come of an incomplete file and go on from there, if the server says that the file is still the same (on unless --no-resume)")
        ->group(group);
    to.add_option("--journal", asked.journal, "Where it is written down what has come (default: .leat-journal in the directory)")->option_text("FILE")->group(group);
    to.add_flag("--sync,!--no-sync", asked.sync, "Wait until each file is on the disk itself before it gets its name (with --queue unless --no-sync)")->group(group);
    to.add_flag("--preallocate,!--no-preallocate", asked.preallocate,
                "Have the disk keep room for a file of 16 MiB or more as it begins, so that a full one says so at once (on unless --no-preallocate)")
        ->group(group);

    const auto verify = "Verification";
    to.add_option("--checksum", asked.checksum, "What the file has to be, as sha256:HEX, or sha1, sha224, sha384, sha512, sha512-256, md5; for a single file")
        ->option_text("ALGO:HEX")
        ->group(verify);
    to.add_option("--checksums", asked.checksum_files, "A file as sha256sum writes it: what each file has to be, by its name. May be given again")
        ->option_text("FILE")
        ->allow_extra_args(false)
        ->group(verify);
    to.add_flag("--ignore-digests", asked.ignore_digests, "Do not compare with a Repr-Digest that the server sends")->group(verify);
}

}  // namespace tool
