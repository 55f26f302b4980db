// Only the fields of the chosen profile are checked by the browser and sent.
const radios = [...document.querySelectorAll('.profiles input[name=profile]')]

function enableChosen() {
  for (const radio of radios) {
    const fields = radio.closest('.profile').querySelector('.profile-fields')
    if (fields) fields.disabled = !radio.checked
  }
}

for (const radio of radios) radio.addEventListener('change', enableChosen)
addEventListener('pageshow', enableChosen) // browsers remember what was chosen when one goes back
enableChosen()
