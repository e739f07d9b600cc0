// Goes on to the article's new address with the query and the fragment of the old one.
location.replace(document.currentScript.dataset.to + location.search + location.hash);
