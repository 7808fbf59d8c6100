#include "models/missing_file.hpp"

namespace troupe {

std::string what_a_model_has() {
  return "a model's folder has config.json, tokenizer.json and "
         "model.safetensors, as the hub has them; to see the models here: "
         "troupe models list";
}

std::string fetch_again(const std::filesystem::path& file) {
  return "; fetch the file again from where the model came from, then type: "
         "troupe models check " +
         file.parent_path().string();
}

Error missing_model_file(const std::filesystem::path& file, Error why) {
  if (why.code != Errc::not_found) return why;
  why.message = file.parent_path().string() + " has no " +
                file.filename().string() + ": " + what_a_model_has();
  return why;
}

}  // namespace troupe
